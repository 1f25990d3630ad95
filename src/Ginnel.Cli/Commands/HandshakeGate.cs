using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace Ginnel.Cli.Commands;

/// <summary>
/// Bounds the handshakes under way at a listener that strangers can reach. Silent ones must not keep friends out: when all places are
/// taken the oldest handshake goes, and no source has more than a few. Thread-safe.
/// </summary>
internal sealed class HandshakeGate
{
    /// <summary>Handshakes at once.</summary>
    public const int MaxHandshakes = 64;

    /// <summary>Handshakes at once of one IPv4 address, one IPv6 /64, or all users of a Unix socket.</summary>
    public const int MaxPerSource = 8;

    private readonly LinkedList<Place> _places = new();

    /// <summary>Takes a place; the oldest handshake loses its own if there is none left. False if this source has its share.</summary>
    public bool TryEnter(IPAddress? source, [NotNullWhen(true)] out Place? place)
    {
        place = null;
        Place? oldest = null;
        UInt128 network = NetworkOf(source);
        lock (_places)
        {
            if (_places.Count(other => other.Network == network) >= MaxPerSource) return false;
            if (_places.Count >= MaxHandshakes)
            {
                oldest = _places.First!.Value;
                _places.RemoveFirst();
            }
            place = new Place(this, network);
            _places.AddLast(place);
        }
        oldest?.TurnAway();
        return true;
    }

    private static UInt128 NetworkOf(IPAddress? source)
    {
        if (source is null) return 0;
        byte[] bytes = source.MapToIPv6().GetAddressBytes();
        UInt128 address = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes);
        bool isV4 = source.AddressFamily == AddressFamily.InterNetwork || source.IsIPv4MappedToIPv6;
        return isV4 ? address : address >> 64 << 64;
    }

    /// <summary>A handshake's place.</summary>
    internal sealed class Place(HandshakeGate gate, UInt128 network)
    {
        private readonly CancellationTokenSource _turnedAway = new();

        internal UInt128 Network { get; } = network;

        /// <summary>Cancelled when the place was given to a newcomer.</summary>
        public CancellationToken TurnedAway => _turnedAway.Token;

        /// <summary>Gives the place back; the handshake is over.</summary>
        public void Leave()
        {
            lock (gate._places) gate._places.Remove(this);
        }

        internal void TurnAway() => _turnedAway.Cancel();
    }
}
