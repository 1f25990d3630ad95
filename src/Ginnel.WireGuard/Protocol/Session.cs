using System.Buffers.Binary;
using Ginnel.Crypto;
using Ginnel.Netstack;

namespace Ginnel.WireGuard.Protocol;

/// <summary>
/// A pair of transport keys between two handshakes (paper, section 5.4.6). Sealing and opening may go on at the same time, each on one
/// thread at once; the owner sees to that and to disposing when neither does.
/// </summary>
internal sealed class Session : IDisposable
{
    private readonly ChaChaCipher _sealing;
    private readonly ChaChaCipher _opening;
    private readonly ReplayWindow _window = new();
    private ulong _nextCounter;

    /// <summary>A session with fresh keys.</summary>
    public Session(Peer peer, uint localIndex, uint remoteIndex, bool isInitiator, Instant created, ReadOnlySpan<byte> sendKey, ReadOnlySpan<byte> receiveKey)
    {
        (Peer, LocalIndex, RemoteIndex, IsInitiator, Created) = (peer, localIndex, remoteIndex, isInitiator, created);
        _sealing = new ChaChaCipher(sendKey, seals: true);
        _opening = new ChaChaCipher(receiveKey, seals: false);
    }

    public Peer Peer { get; }

    public uint LocalIndex { get; }

    public uint RemoteIndex { get; }

    public bool IsInitiator { get; }

    public Instant Created { get; }

    /// <summary>Held while sealing, and while opening. Two locks, so that the directions do not wait for each other.</summary>
    public Lock SealLock { get; } = new();

    /// <inheritdoc cref="SealLock"/>
    public Lock OpenLock { get; } = new();

    /// <summary>Messages sealed so far.</summary>
    public ulong SentCount => Volatile.Read(ref _nextCounter);

    public bool IsDisposed { get; private set; }

    /// <summary>Whether more than keepalives went out since the device was told. The sender's alone.</summary>
    public bool HasSentData { get; set; }

    /// <summary>Whether it may still be used.</summary>
    public bool IsAlive(Instant now) => now - Created < Timing.RejectAfterTime && SentCount < Timing.RejectAfterMessages;

    /// <summary>Writes a transport message; false when the session is used up or wiped. Under <see cref="SealLock"/>.</summary>
    /// <param name="packet">The padded packet; may lie where it goes to, <see cref="Messages.TransportHeader"/> bytes into the message.</param>
    /// <param name="message">Packet's length + <see cref="Messages.TransportOverhead"/>.</param>
    public bool TrySeal(ReadOnlySpan<byte> packet, Span<byte> message)
    {
        ulong counter = _nextCounter;
        if (IsDisposed || counter >= Timing.RejectAfterMessages) return false;
        Volatile.Write(ref _nextCounter, counter + 1);
        _sealing.Seal(counter, packet, default, message[Messages.TransportHeader..]);
        Messages.Begin(message[..Messages.TransportHeader], MessageType.Transport);
        Messages.WriteIndex(message, Messages.TransportReceiver, RemoteIndex);
        BinaryPrimitives.WriteUInt64LittleEndian(message[Messages.TransportCounter..], counter);
        return true;
    }

    /// <summary>
    /// Opens a transport message in place; the packet is what lies between header and tag then. False if it is not genuine, or came
    /// before. Under <see cref="OpenLock"/>.
    /// </summary>
    public bool TryOpen(Span<byte> message, out Span<byte> packet)
    {
        packet = message[Messages.TransportHeader..^Messages.TagSize];
        if (IsDisposed) return false;
        ulong counter = BinaryPrimitives.ReadUInt64LittleEndian(message[Messages.TransportCounter..]);
        if (counter >= Timing.RejectAfterMessages) return false;
        return _opening.TryOpen(counter, message[Messages.TransportHeader..], default, packet) && _window.TryAccept(counter);
    }

    /// <summary>Wipes the keys.</summary>
    public void Dispose()
    {
        lock (SealLock)
        {
            lock (OpenLock)
            {
                IsDisposed = true;
                _sealing.Dispose();
                _opening.Dispose();
            }
        }
    }
}
