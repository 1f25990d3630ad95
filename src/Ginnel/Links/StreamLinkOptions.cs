using Ginnel.Netstack;

namespace Ginnel;

/// <summary>How packets are told apart on a stream.</summary>
public enum StreamFraming : byte
{
    /// <summary>32 bits of length in network order before each packet, as QEMU's <c>-netdev stream</c> has it.</summary>
    UInt32,
    /// <summary>16 bits of length in network order before each packet.</summary>
    UInt16,
}

/// <summary>How a <see cref="StreamLink"/> behaves.</summary>
public sealed class StreamLinkOptions
{
    /// <summary>How packets are told apart.</summary>
    public StreamFraming Framing { get; init; } = StreamFraming.UInt32;

    /// <summary>IP or Ethernet.</summary>
    public LinkMedium Medium { get; init; } = LinkMedium.Ip;

    /// <summary>Longest IP packet that is sent, in bytes, 68–65,535. A large one saves work: the carrier neither loses nor reorders.</summary>
    public int Mtu { get; init; } = 1500;

    /// <summary>Longest frame that is accepted, in bytes, at most 65,549; a longer one means that the framing is lost and ends the link.</summary>
    public int MaxFrame { get; init; } = StreamLink.LargestFrame;

    /// <summary>Bytes that may wait to be written, at least 1; beyond it packets stay in their connections.</summary>
    public int SendQueueBytes { get; init; } = 1 << 20;

    /// <summary>
    /// Who touches the stream. A stream that may block needs the thread pool; one whose reads and writes go on on an event loop is best
    /// read and written there, where the stack's packets are too.
    /// </summary>
    public CompletionScheduler Scheduler { get; init; } = CompletionScheduler.ThreadPool;

    /// <summary>Whether disposing of the link disposes of the stream.</summary>
    public bool OwnsStream { get; init; } = true;
}
