using Ginnel.Linux.Events;
using Ginnel.Wire;

namespace Ginnel.Linux.Links;

/// <content>The link while it runs.</content>
public abstract unsafe partial class DescriptorLink
{
    private sealed class Reader(DescriptorLink link, ILinkSink sink) : DescriptorReader(link._descriptor, link.EventLoop, "link " + link.GetType().Name)
    {
        private Packet? _spare;
        private PacketQueue _batch;

        internal override void OnReady(uint events)
        {
            Interlocked.Increment(ref link._turns);
            base.OnReady(events);
            Interlocked.Increment(ref link._turns);
        }

        protected override void Read()
        {
            link.ReadBatch(sink, ref _batch, ref _spare);
            if (_batch.IsEmpty) return;
            link.Counters.CountReceived(_batch.Count);
            sink.Deliver(ref _batch);
            _batch = default;
        }

        protected override void Writable() => sink.Writable();

        protected override void Check() => link.CheckDevice();

        protected override void OnEnded()
        {
            // Also when a read failed because the device is gone: what was read before it must not be lost to the pool.
            _batch.ReturnAll();
            _spare?.Return();
            link._life.EndRun();
        }
    }
}
