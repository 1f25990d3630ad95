using Ginnel.Linux;
using Ginnel.Linux.Launch;

namespace Ginnel.Sandbox.Launch;

/// <summary>A control socket as a stream to read from. Does not own it.</summary>
internal sealed class ControlStream(ControlSocket socket) : Stream
{
    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty) return 0;
        int count = socket.Receive(buffer, -1, out Descriptor? passed);
        passed?.Dispose();
        return Math.Max(count, 0);
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
    public override void Flush() { }
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
