using System.Globalization;
using System.Text;

namespace Ginnel.Interop.Guests;

/// <summary>Writes what a kernel unpacks as its first file system: a cpio archive of the "newc" kind (the kernel's initramfs buffer format).</summary>
internal sealed class CpioArchive(Stream output)
{
    private const int Folder = 0x41ED, Program = 0x81ED, Link = 0xA1FF;
    private readonly HashSet<string> _folders = [];
    private uint _serial;

    /// <summary>A file that everybody may read and run.</summary>
    public void AddFile(string path, ReadOnlySpan<byte> content) => Add(path, Program, content);

    public void AddFile(string path, string text) => AddFile(path, Encoding.UTF8.GetBytes(text));

    public void AddLink(string path, string target) => Add(path, Link, Encoding.UTF8.GetBytes(target));

    public void AddFolder(string path)
    {
        if (path.Length == 0 || !_folders.Add(path)) return;
        AddFolder(ParentOf(path));
        Entry(path, Folder, []);
    }

    /// <summary>The end of the archive; nothing may follow.</summary>
    public void Complete() => Entry("TRAILER!!!", 0, []);

    private static string ParentOf(string path) => path.LastIndexOf('/') is > 0 and var at ? path[..at] : "";

    private void Add(string path, int mode, ReadOnlySpan<byte> content)
    {
        AddFolder(ParentOf(path));
        Entry(path, mode, content);
    }

    private void Entry(string path, int mode, ReadOnlySpan<byte> content)
    {
        byte[] name = Encoding.UTF8.GetBytes(path + "\0");
        // Serial number, mode, owner and group, links, time, size, four device numbers, length of the name, and a checksum that is not used.
        int[] fields = [(int)++_serial, mode, 0, 0, mode == Folder ? 2 : 1, 0, content.Length, 0, 0, 0, 0, name.Length, 0];
        StringBuilder header = new("070701");
        foreach (int field in fields) header.Append(field.ToString("X8", CultureInfo.InvariantCulture));
        output.Write(Encoding.ASCII.GetBytes(header.ToString()));
        output.Write(name);
        Pad(header.Length + name.Length);
        output.Write(content);
        Pad(content.Length);
    }

    private void Pad(int length) => output.Write(stackalloc byte[-length & 3]);
}
