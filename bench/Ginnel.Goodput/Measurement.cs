using Ginnel.Netstack;
using Ginnel.Testing;
using Ginnel.Wire;

namespace Ginnel.Goodput;

/// <summary>One cell of a table: a path, and how TCP is set.</summary>
/// <param name="Link">Both directions; loss is applied to both.</param>
/// <param name="Tcp">Both ends.</param>
/// <param name="Bytes">How much is sent.</param>
sealed record Measurement(SimulatedLinkOptions Link, TcpOptions Tcp, long Bytes)
{
    const ushort Port = 5001;
    static readonly TimeSpan Limit = TimeSpan.FromHours(12);

    /// <summary>Goodput in bits per second of virtual time, from the SYN to the last octet read, of one seed.</summary>
    public double Run(ulong seed, PacketPool pool)
    {
        SimulatedNetwork network = new(seed, pool);
        SimulatedHost sender = network.AddHost("sender", network.DefaultOptions(Tcp));
        SimulatedHost receiver = network.AddHost("receiver", network.DefaultOptions(Tcp));
        network.Connect(sender, receiver, Link);
        StreamPattern pattern = new(seed);
        TransferListener listener = new(network, new IpEndpoint(IpAddress.AnyV4, Port),
            _ => new TransferPlan { SendBytes = 0, ReceiveBytes = Bytes, ReceivePattern = pattern });
        receiver.Run(listener);
        Instant begin = network.Time.Now;
        sender.Run(TransferEnd.Connecting(network, new TransferPlan { SendBytes = Bytes, ReceiveBytes = 0, SendPattern = pattern },
            new IpEndpoint(receiver.Address(v4: true), Port)));
        network.RunToEnd(Limit);
        Instant end = listener.Accepted[0].ReceivedAllAt;
        listener.Stop();
        network.Finish(Limit);
        return Bytes * 8 / (end - begin).TotalSeconds;
    }

    /// <summary>The median of several seeds, and the quartiles around it.</summary>
    public Spread Over(int seeds, PacketPool pool)
    {
        double[] values = new double[seeds];
        for (int i = 0; i < seeds; i++) values[i] = Run((ulong)i + 1, pool);
        Array.Sort(values);
        return new Spread(values[seeds / 4], values[seeds / 2], values[seeds - 1 - seeds / 4]);
    }
}

/// <summary>A median between its quartiles, in bits per second.</summary>
readonly record struct Spread(double Low, double Median, double High)
{
    /// <summary>Half the distance between the quartiles, as a part of the median.</summary>
    public double Relative => (High - Low) / 2 / Median;
}
