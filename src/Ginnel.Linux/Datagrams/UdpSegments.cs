namespace Ginnel.Linux.Datagrams;

/// <summary>Several datagrams of one size in one call (udp(7), UDP_SEGMENT).</summary>
internal static class UdpSegments
{
    internal const int LevelUdp = 17, Option = 103;

    /// <summary>What every kernel that has the option takes at once (UDP_MAX_SEGMENTS).</summary>
    internal const int Most = 64;

    /// <summary>Bytes of control data for it.</summary>
    internal const int ControlSize = 32;
}
