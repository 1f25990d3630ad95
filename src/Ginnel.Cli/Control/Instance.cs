using System.Net.Sockets;

namespace Ginnel.Cli.Control;

/// <summary>A running proxy's name and the place of its sockets. While this object lives, no second one bears the name.</summary>
internal sealed class Instance : IDisposable
{
    private const int MaxName = 64;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private readonly FileStream _lock;

    private Instance(string name, string socket, FileStream holder) => (Name, SocketPath, _lock) = (name, socket, holder);

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Where it is controlled.</summary>
    public string SocketPath { get; }

    /// <summary>
    /// Where instances have their sockets: <c>/run/ginnel</c> as root, <c>$XDG_RUNTIME_DIR/ginnel</c>, or <c>~/.cache/ginnel/run</c> where there is no
    /// session. Never a directory that others may write to. Null if there is none of these.
    /// </summary>
    public static string? Directory
    {
        get
        {
            if (Environment.IsPrivilegedProcess) return "/run/ginnel";
            if (Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } runtime && Path.IsPathRooted(runtime)) return Path.Combine(runtime, "ginnel");
            string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            return home.Length == 0 ? null : Path.Combine(home, ".cache", "ginnel", "run");
        }
    }

    /// <summary>Whether a name can be an instance's: it becomes part of a path.</summary>
    public static bool IsName(string name) =>
        name.Length is > 0 and <= MaxName && name[0] is not ('.' or '-') && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');

    /// <summary>The socket of an instance.</summary>
    public static string? SocketOf(string name) => Directory is { } directory ? Path.Combine(directory, name + ".sock") : null;

    /// <summary>Takes a name, and its place in the directory or at a path of the user's choice.</summary>
    /// <exception cref="IOException">Someone has it, or the place cannot be had.</exception>
    /// <exception cref="UnauthorizedAccessException">The place is not ours.</exception>
    public static Instance Take(string name, string? socket)
    {
        string path = Path.GetFullPath(socket ?? SocketOf(name) ?? throw new IOException("there is no place for a control socket: neither XDG_RUNTIME_DIR nor HOME is set"));
        if (socket is null) TakeDirectory(Path.GetDirectoryName(path)!);
        FileStream holder;
        try
        {
            holder = new FileStream(path + ".lock", new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
        }
        catch (IOException failure) when (failure is not (DirectoryNotFoundException or PathTooLongException) && File.Exists(path + ".lock"))
        {
            throw new InstanceTakenException($"an instance named {name} runs already ({path}); give this one another with --name");
        }
        // Whoever left a socket behind is gone, or the lock would not be ours.
        try
        {
            DeleteSocket(path);
        }
        catch
        {
            holder.Dispose();
            throw;
        }
        return new Instance(name, path, holder);
    }

    /// <summary>Gives the name back.</summary>
    public void Dispose()
    {
        // The lock's file stays: were it deleted, two could hold locks on two files of its name.
        try
        {
            File.Delete(SocketPath);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Whoever took the directory away took the socket with it.
        }
        _lock.Dispose();
    }

    // One that is there already may be open to others, or be theirs: only its owner can close it, and for nobody else it is a place to be.
    private static void TakeDirectory(string directory)
    {
        System.IO.Directory.CreateDirectory(directory, OwnerOnly);
        if (File.GetUnixFileMode(directory) != OwnerOnly) File.SetUnixFileMode(directory, OwnerOnly);
    }

    // Of all kinds of files a socket alone cannot be opened (open(2), ENXIO). What can be, somebody keeps: a path that was mistaken costs no file.
    private static void DeleteSocket(string path)
    {
        if (!File.Exists(path)) return;
        if (CanOpen(path)) throw new IOException($"{path} is there and is no socket; name another place");
        File.Delete(path);
    }

    private static bool CanOpen(string path)
    {
        try
        {
            using FileStream file = new(path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.ReadWrite | FileShare.Delete });
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>A socket that its owner alone may connect to, in force before anybody can.</summary>
    public static Socket Listen(UnixDomainSocketEndPoint local)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(local);
            File.SetUnixFileMode(local.ToString()!, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>An instance of this name runs already.</summary>
internal sealed class InstanceTakenException(string message) : IOException(message);
