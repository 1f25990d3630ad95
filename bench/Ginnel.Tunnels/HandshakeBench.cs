using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using Ginnel.Netstack;
using Ginnel.WireGuard;
using Ginnel.WireGuard.Protocol;

namespace Ginnel.Tunnels;

/// <summary>Whole handshakes between two devices in virtual time, one after the other: what both ends compute, and nothing else.</summary>
internal static class HandshakeBench
{
    private static readonly CarrierEndpoint Here = new UdpEndpoint(IPEndPoint.Parse("192.0.2.1:1")), There = new UdpEndpoint(IPEndPoint.Parse("192.0.2.2:2"));

    /// <summary>Handshakes in a second, both roles together on one core.</summary>
    internal static double Run(double seconds)
    {
        using WireGuardDevice first = new(RandomNumberGenerator.GetBytes(32), new CryptographicEntropy()), second = new(RandomNumberGenerator.GetBytes(32), new CryptographicEntropy());
        // A preshared key is mixed in either way; one of zeros takes as long.
        Peer peer = first.AddPeer(second.PublicKey, default)!;
        second.AddPeer(first.PublicKey, default);
        peer.Endpoint = There;
        DateTimeOffset utc = DateTimeOffset.UnixEpoch.AddYears(50);
        Instant now = new(TimeSpan.TicksPerDay);
        Outbox outbox = new();
        int count = 0;
        long began = Stopwatch.GetTimestamp();
        for (; Stopwatch.GetElapsedTime(began).TotalSeconds < seconds; count++)
        {
            // Nobody begins again sooner, and no end is under load.
            (now, utc) = (now + Timing.RekeyTimeout * 2, utc + Timing.RekeyTimeout * 2);
            outbox.Clear();
            first.BeginHandshake(peer, utc, now, isRetry: false, outbox);
            byte[] initiation = outbox.Messages[0].Message;
            outbox.Clear();
            second.ReceiveHandshake(Here, initiation, now, outbox);
            byte[] response = outbox.Messages[0].Message;
            outbox.Clear();
            first.ReceiveHandshake(There, response, now, outbox);
            if (outbox.Ready.Count != 1) throw new InvalidOperationException("A handshake failed.");
        }
        return count / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }
}
