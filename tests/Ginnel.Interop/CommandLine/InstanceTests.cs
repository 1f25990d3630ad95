using System.Net.Sockets;
using Ginnel.Cli.Control;

namespace Ginnel.Interop.CommandLine;

/// <summary>The place of a control socket: what stands there already, and who may write beside it.</summary>
public sealed class InstanceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ginnel-instance-").FullName;

    private string SocketPath => Path.Combine(_folder, "x.sock");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void AFileThatIsNoSocketIsLeftAlone()
    {
        File.WriteAllText(SocketPath, "somebody's");
        Assert.Contains("no socket", Assert.Throws<IOException>(() => Instance.Take("x", SocketPath)).Message);
        Assert.Equal("somebody's", File.ReadAllText(SocketPath));
    }

    [Fact]
    public void ASocketThatWasLeftBehindIsReplacedAndTheNameIsGivenBack()
    {
        using (Socket left = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            // Under another name than it was bound to, it is not removed with its owner: as after a kill.
            left.Bind(new UnixDomainSocketEndPoint(SocketPath + ".bound"));
            File.Move(SocketPath + ".bound", SocketPath);
        }
        Assert.True(File.Exists(SocketPath));
        using (Instance first = Instance.Take("x", SocketPath))
        {
            Assert.False(File.Exists(SocketPath));
            Assert.Throws<InstanceTakenException>(() => Instance.Take("x", SocketPath));
        }
        Instance.Take("x", SocketPath).Dispose();
    }

    [Fact]
    public void ADirectoryThatIsGoneIsNoFaultAtTheEnd()
    {
        string folder = Path.Combine(_folder, "gone");
        Directory.CreateDirectory(folder);
        Instance instance = Instance.Take("x", Path.Combine(folder, "x.sock"));
        Directory.Delete(folder, recursive: true);
        instance.Dispose();
    }
}
