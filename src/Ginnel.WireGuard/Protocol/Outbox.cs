using System.Net;

namespace Ginnel.WireGuard.Protocol;

/// <summary>What a call of the device wants done once its lock is released: handshake messages to send, peers to look after.</summary>
internal sealed class Outbox
{
    /// <summary>Messages, each with where it goes.</summary>
    public List<(CarrierEndpoint To, byte[] Message)> Messages { get; } = [];

    /// <summary>Peers with a new session, whose staged packets can go, or which are owed a keepalive.</summary>
    public List<Peer> Ready { get; } = [];

    /// <summary>Peers whose handshake had no answer: their name may mean another address by now.</summary>
    public List<Peer> Unanswered { get; } = [];

    public bool IsEmpty => Messages.Count == 0 && Ready.Count == 0 && Unanswered.Count == 0;

    public void Clear()
    {
        Messages.Clear();
        Ready.Clear();
        Unanswered.Clear();
    }
}
