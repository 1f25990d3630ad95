using System.IO.Pipelines;

namespace Ginnel.Tests;

/// <summary>Who knows the secret gets in; nobody else does, not even by repeating what is said.</summary>
public sealed class SharedSecretTests
{
    private static readonly SharedSecret Ours = new("a secret of enough bytes"u8), Other = new("another of enough bytes!"u8);

    private static (Stream A, Stream B) Pair()
    {
        Pipe up = new(), down = new();
        return (new Both(down.Reader.AsStream(), up.Writer.AsStream()), new Both(up.Reader.AsStream(), down.Writer.AsStream()));
    }

    [Fact]
    public async Task BothEndsThatKnowItAreConvinced()
    {
        (Stream a, Stream b) = Pair();
        Task entrance = Ours.AuthenticateAsync(a, VirtualInterfaceRole.Entrance, TestContext.Current.CancellationToken).AsTask();
        await Ours.AuthenticateAsync(b, VirtualInterfaceRole.Exit, TestContext.Current.CancellationToken);
        await entrance;
    }

    [Fact]
    public async Task AnotherSecretIsTurnedAway()
    {
        (Stream a, Stream b) = Pair();
        Task entrance = Other.AuthenticateAsync(a, VirtualInterfaceRole.Entrance, TestContext.Current.CancellationToken).AsTask();
        await Assert.ThrowsAsync<IOException>(() => Ours.AuthenticateAsync(b, VirtualInterfaceRole.Exit, TestContext.Current.CancellationToken).AsTask());
        b.Dispose();
        await Assert.ThrowsAsync<IOException>(() => entrance);
    }

    [Fact]
    public async Task AnEchoIsTurnedAway()
    {
        Pipe loop = new();
        await using Both mirror = new(loop.Reader.AsStream(), loop.Writer.AsStream());
        await Assert.ThrowsAsync<IOException>(() => Ours.AuthenticateAsync(mirror, VirtualInterfaceRole.Exit, TestContext.Current.CancellationToken).AsTask());
    }

    [Fact]
    public void AShortSecretIsNone() => Assert.Throws<ArgumentException>(() => new SharedSecret("fifteen bytes.."u8));

    /// <summary>Two streams of one direction each, as one.</summary>
    private sealed class Both(Stream input, Stream output) : Stream
    {
        public override bool CanRead => true;
        public override bool CanWrite => true;
        public override bool CanSeek => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() => output.Flush();
        public override int Read(byte[] buffer, int offset, int count) => input.Read(buffer, offset, count);
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => input.ReadAsync(buffer, cancellationToken);
        public override void Write(byte[] buffer, int offset, int count) => output.Write(buffer, offset, count);
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => output.WriteAsync(buffer, cancellationToken);
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            input.Dispose();
            output.Dispose();
            base.Dispose(disposing);
        }
    }
}
