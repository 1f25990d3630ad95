namespace Ginnel.Wire;

/// <summary>A packet of either IP version, as far as the transports need it. Built from a checked view; every accessor is safe.</summary>
public readonly ref struct IpView
{
    private readonly ReadOnlySpan<byte> _bytes;

    /// <summary>From an IPv4 packet.</summary>
    public IpView(scoped in IpV4View view)
    {
        _bytes = view.Bytes;
        HeaderLength = view.HeaderLength;
        Source = view.Source;
        Destination = view.Destination;
        Protocol = view.Protocol;
        IsFragment = view.IsFragment;
        TrafficClass = view.TrafficClass;
        HopLimit = view.HopLimit;
    }

    /// <summary>From an IPv6 packet.</summary>
    public IpView(scoped in IpV6View view)
    {
        _bytes = view.Bytes;
        HeaderLength = view.HeaderLength;
        Source = view.Source;
        Destination = view.Destination;
        Protocol = view.Protocol;
        IsFragment = view.IsFragment;
        TrafficClass = view.TrafficClass;
        HopLimit = view.HopLimit;
    }

    /// <summary>The sender; its family is the packet's.</summary>
    public IpAddress Source { get; }

    /// <summary>The receiver.</summary>
    public IpAddress Destination { get; }

    /// <summary>What the payload is.</summary>
    public IpProtocol Protocol { get; }

    /// <summary>DSCP and ECN.</summary>
    public byte TrafficClass { get; }

    /// <summary>Time to live or hop limit.</summary>
    public byte HopLimit { get; }

    /// <summary>Whether this is one of several fragments.</summary>
    public bool IsFragment { get; }

    /// <summary>Bytes of all IP headers: where the payload begins.</summary>
    public int HeaderLength { get; }

    /// <summary>Whether the packet is IPv4.</summary>
    public bool IsV4 => _bytes[0] >> 4 == 4;

    /// <summary>What the packet carries.</summary>
    public ReadOnlySpan<byte> Payload => _bytes[HeaderLength..];

    /// <summary>The whole packet, without Ethernet padding.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Parses by the version in the first octet. The IPv4 header checksum is not verified.</summary>
    public static DropReason TryParse(ReadOnlySpan<byte> bytes, out IpView view)
    {
        view = default;
        if (bytes.IsEmpty) return DropReason.Truncated;
        DropReason reason;
        switch (bytes[0] >> 4)
        {
            case 4:
                reason = IpV4View.TryParse(bytes, out IpV4View v4);
                if (reason == DropReason.None) view = new IpView(v4);
                return reason;
            case 6:
                reason = IpV6View.TryParse(bytes, out IpV6View v6);
                if (reason == DropReason.None) view = new IpView(v6);
                return reason;
            default:
                return DropReason.BadVersion;
        }
    }
}
