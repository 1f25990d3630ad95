using Ginnel.Netstack;

namespace Ginnel.Testing;

/// <content>Reading and writing through leases.</content>
public sealed partial class TransferEnd
{
    private void Write()
    {
        while (!_writingClosed && Sent < _plan.SendBytes && _nextWrite <= Host.Now)
        {
            int wanted = (int)Math.Min(Math.Min(_plan.SendBytes - Sent, _plan.Writing.ChunkBytes), 1 << 18);
            OpStatus status = Host.Stack.TryLeaseWritable(_socket, wanted, out RingLease lease);
            if (status == OpStatus.WouldBlock) return;
            if (!Survives(status, "TryLeaseWritable")) return;
            int count = Math.Min(wanted, lease.Length);
            if (count == 0) throw Wrong("was lent no room");
            int first = Math.Min(count, lease.First.Length);
            _plan.SendPattern.Fill(Sent, lease.First.Span[..first]);
            _plan.SendPattern.Fill(Sent + first, lease.Second.Span[..(count - first)]);
            Sent += count;
            if (!Survives(Host.Stack.Commit(_socket, count, Host.Now), "Commit")) return;
            if (_plan.Writing.Interval > TimeSpan.Zero) _nextWrite = Host.Now + _plan.Writing.Interval;
        }
    }

    private void Read()
    {
        while (!SawEnd && _nextRead <= Host.Now)
        {
            OpStatus status = Host.Stack.TryLeaseReadable(_socket, out RingLease lease);
            if (status == OpStatus.WouldBlock) return;
            if (status == OpStatus.EndOfStream)
            {
                OnEndOfStream();
                return;
            }
            if (!Survives(status, "TryLeaseReadable")) return;
            int count = Math.Min(lease.Length, _plan.Reading.ChunkBytes);
            if (count == 0) throw Wrong("was lent nothing to read");
            int first = Math.Min(count, lease.First.Length);
            Compare(lease.First.Span[..first]);
            Compare(lease.Second.Span[..(count - first)]);
            if (Received >= _plan.ReceiveBytes && ReceivedAllAt == Instant.Never) ReceivedAllAt = Host.Now;
            if (!Survives(Host.Stack.Consume(_socket, count, Host.Now), "Consume")) return;
            if (_plan.Reading.Interval > TimeSpan.Zero) _nextRead = Host.Now + _plan.Reading.Interval;
        }
    }

    private void Compare(ReadOnlySpan<byte> bytes)
    {
        int mismatch = _plan.ReceivePattern.FindMismatch(Received, bytes);
        if (mismatch >= 0) throw Wrong($"read a wrong byte at {Received + mismatch}");
        Received += bytes.Length;
        if (Received > _plan.ReceiveBytes) throw Wrong("received more than was sent");
    }

    private void OnEndOfStream()
    {
        SawEnd = true;
        if (Received != _plan.ReceiveBytes) throw Wrong("saw the end of the stream too early");
        if (Received == 0) ReceivedAllAt = Host.Now;
    }
}
