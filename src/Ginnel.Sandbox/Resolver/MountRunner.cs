using Ginnel.Linux;
using Ginnel.Linux.Native;

namespace Ginnel.Sandbox.Resolver;

/// <summary>Carries out a mount plan in the calling process's mount namespace.</summary>
internal static class MountRunner
{
    private const int PathOnly = 0x200000; // O_PATH

    // Whatever the caller's umask is: users other than the caller read the file too.
    private const UnixFileMode ReadableFile = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const UnixFileMode PassableFolder = ReadableFile | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <exception cref="IOException">A step failed, named with its path.</exception>
    public static void Run(IReadOnlyList<MountStep> steps, string text)
    {
        foreach (MountStep step in steps)
        {
            switch (step.Action)
            {
                case MountAction.Empty: Empty(step.Target); break;
                case MountAction.MakeFolder: MakeFolder(step.Target); break;
                case MountAction.WriteText: WriteText(step.Target, text); break;
                case MountAction.Bind: Namespaces.Mount(step.Source, step.Target, null, Namespaces.MountBind, null); break;
                case MountAction.Unmount: Namespaces.Unmount(step.Target); break;
                case MountAction.BindOnLink: Namespaces.BindOnLink(step.Source, step.Target); break;
                case MountAction.Shadow: Shadow(step.Target); break;
                default: throw new InvalidOperationException($"Unknown step {step.Action}.");
            }
        }
    }

    private static void MakeFolder(string path)
    {
        if (Directory.Exists(path)) return;
        if (Path.GetDirectoryName(path) is { } parent) MakeFolder(parent);
        Directory.CreateDirectory(path);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, PassableFolder);
    }

    private static void WriteText(string path, string text)
    {
        File.WriteAllText(path, text);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, ReadableFile);
    }

    private static void Empty(string folder) =>
        Namespaces.Mount("ginnel", folder, "tmpfs", Namespaces.MountNoSuid | Namespaces.MountNoDev, "mode=0755,size=256k");

    /// <summary>The original stays reachable through a descriptor, for the tmpfs hides it from every path.</summary>
    private static void Shadow(string folder)
    {
        // Links are read now: afterwards their paths lead nowhere.
        FileSystemInfo[] found = new DirectoryInfo(folder).GetFileSystemInfos();
        (FileSystemInfo Entry, string? Link)[] entries = [.. found.Select(entry => (entry, entry.LinkTarget))];
        int number = Descriptors.Open(folder, PathOnly);
        if (number < 0) throw LinuxException.Last("open", folder);
        using Descriptor original = new(number);
        Empty(folder);
        foreach ((FileSystemInfo entry, string? link) in entries)
        {
            string place = Path.Combine(folder, entry.Name), source = $"/proc/self/fd/{number}/{entry.Name}";
            if (link is not null)
            {
                File.CreateSymbolicLink(place, link);
                continue;
            }
            if ((entry.Attributes & FileAttributes.Directory) != 0) Directory.CreateDirectory(place);
            else File.Create(place).Dispose();
            Namespaces.Mount(source, place, null, Namespaces.MountBind, null);
        }
    }
}
