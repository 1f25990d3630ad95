using System.Text;
using Ginnel.Linux;
using Ginnel.Linux.Launch;

namespace Ginnel.Sandbox.Launch;

/// <summary>
/// Our side of the control socket: reads lines, of which those that begin with @ are requests, and everything else is what the tools had to
/// say about a failure.
/// </summary>
internal sealed class Handshake(ControlSocket socket)
{
    private const int MostTranscript = 8 << 10;
    private readonly StringBuilder _transcript = new();
    private readonly byte[] _buffer = new byte[1024];
    private string _pending = "";
    private Descriptor? _passed;

    /// <summary>What was said besides requests.</summary>
    public string Transcript => _transcript.ToString().Trim();

    /// <summary>The next request; null when the child has closed its end.</summary>
    /// <exception cref="TimeoutException">Nothing came in time.</exception>
    public string? Next(long deadline)
    {
        while (true)
        {
            int end = _pending.IndexOf('\n', StringComparison.Ordinal);
            if (end >= 0)
            {
                string line = _pending[..end];
                _pending = _pending[(end + 1)..];
                if (line.StartsWith('@')) return line;
                if (_transcript.Length < MostTranscript) _transcript.Append(line).Append('\n');
                continue;
            }
            long left = deadline - Environment.TickCount64;
            if (left <= 0) throw new TimeoutException();
            int count = socket.Receive(_buffer, (int)Math.Min(left, int.MaxValue), out Descriptor? passed);
            if (passed is not null) Keep(passed);
            if (count == 0) return null;
            if (count < 0) continue;
            _pending += Encoding.UTF8.GetString(_buffer, 0, count);
        }
    }

    /// <summary>The descriptor that came with the last request; the caller owns it.</summary>
    public Descriptor? TakePassed()
    {
        Descriptor? passed = _passed;
        _passed = null;
        return passed;
    }

    /// <summary>Lets the child go on. False when it is gone.</summary>
    public bool Answer() => socket.Send("go\n"u8);

    /// <summary>Hands the hidden verb what it is to do.</summary>
    public bool Answer(LaunchSheet sheet) => Answer() && socket.Send(sheet.Serialize());

    private void Keep(Descriptor passed)
    {
        _passed?.Dispose();
        _passed = passed;
    }
}
