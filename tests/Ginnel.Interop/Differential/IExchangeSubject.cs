namespace Ginnel.Interop.Differential;

/// <summary>A TCP that takes part in an exchange, with one application and one network behind it.</summary>
internal interface IExchangeSubject : IDisposable
{
    /// <summary>A packet from the peer.</summary>
    void Inject(byte[] packet);

    /// <summary>The IP packets for the peer since the last call; everything that follows from what was done is among them.</summary>
    List<byte[]> Collect();

    /// <summary>Lets time pass until something is sent, at most until the limit.</summary>
    List<byte[]> Wait(TimeSpan limit);

    void Connect();

    /// <summary>Whether the connection has come to be since it was last asked; and how it failed.</summary>
    string? Progress();

    string Write(ReadOnlySpan<byte> octets);

    /// <summary>Reads up to so many octets; what stands in the result is how it ended otherwise: nothing, "eof", "reset" …</summary>
    string Read(int most, List<byte> octets);

    void Shutdown();

    void Close();

    void Abort();
}
