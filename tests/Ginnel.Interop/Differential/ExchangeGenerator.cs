using Ginnel.Testing;
using Ginnel.Wire;

namespace Ginnel.Interop.Differential;

/// <summary>
/// Makes exchanges from seeds: a way to open, a random mixture of everything that two ends may do, a way to close, and questions behind
/// it.
/// </summary>
internal sealed class ExchangeGenerator(ulong seed)
{
    private readonly SeededRandom _random = new(seed);
    private readonly List<Step> _steps = [];
    private int _window;

    public static Exchange Make(ulong seed) => new ExchangeGenerator(seed).Make();

    private Exchange Make()
    {
        _window = _random.Chance(0.7) ? 60_000 : _random.Pick(300, 1000, 3000, 10_000);
        bool listens = _random.Chance(0.6);
        Exchange exchange = new()
        {
            Seed = seed, Listens = listens, IsV6 = _random.Chance(0.3), Nagle = _random.Chance(0.5),
            PeerIss = _random.Chance(0.5) ? uint.MaxValue - (uint)_random.Next(0, 5000) : (uint)_random.NextUInt64(),
            Options = RandomOptions(), Mss = _random.Pick(300, 536, 700, 1000, 1460), Scale = (byte)_random.Next(0, 9), Steps = _steps,
        };
        if (listens) OpenByPeer();
        else OpenBySystem();
        int count = _random.Next(3, 22);
        for (int i = 0; i < count; i++) Middle();
        End();
        return exchange;
    }

    private IReadOnlyList<byte> RandomOptions()
    {
        List<byte> kinds = [];
        foreach (byte kind in (byte[])[2, 3, 4, 8]) if (_random.Chance(0.75)) kinds.Insert(_random.Next(0, kinds.Count), kind);
        if (_random.Chance(0.2)) kinds.Insert(_random.Next(0, kinds.Count), 1);
        if (_random.Chance(0.1)) kinds.Insert(_random.Next(0, kinds.Count), 253);
        return kinds;
    }

    private Step Segment(TcpFlags flags, int count = 0, int offset = 0, AckField ack = AckField.All) =>
        new(StepKind.Segment)
        {
            Flags = flags, Count = count, Offset = offset, Ack = ack, AckDetail = _random.Next(1, 4), Window = Window(),
        };

    // Never less than was offered before: the peer sees to that.
    private int Window() => _random.Chance(0.85) ? _window : _random.Next(0, _window);

    private void OpenByPeer()
    {
        Step syn = new(StepKind.Segment) { Flags = TcpFlags.Syn, FromStart = true, Ack = AckField.Absent, Window = _window };
        _steps.Add(syn with { Count = _random.Chance(0.05) ? 100 : 0 });
        if (_random.Chance(0.1)) BeforeEstablished(syn);
        _steps.Add(Segment(TcpFlags.None, _random.Chance(0.15) ? _random.Next(1, 1500) : 0));
    }

    private void BeforeEstablished(Step syn) => _steps.Add(_random.Next(0, 6) switch
    {
        0 => syn,
        1 => Segment(TcpFlags.None, ack: AckField.Beyond),
        2 => Segment(TcpFlags.None, ack: AckField.Old),
        3 => Segment(TcpFlags.Rst, ack: AckField.Absent),
        4 => Segment(TcpFlags.None, 100, ack: AckField.Absent),
        _ => Segment(TcpFlags.Rst, ack: AckField.Absent, offset: _random.Next(1, 1000)),
    });

    private void OpenBySystem()
    {
        _steps.Add(new Step(StepKind.Connect));
        Step syn = new(StepKind.Segment) { Flags = TcpFlags.Syn, FromStart = true, Window = _window };
        if (_random.Chance(0.15))
        {
            _steps.Add(_random.Next(0, 6) switch
            {
                0 => Segment(TcpFlags.None, ack: AckField.Beyond),
                1 => Segment(TcpFlags.Rst, ack: AckField.Beyond),
                2 => Segment(TcpFlags.Rst, ack: AckField.Absent),
                3 => syn with { Ack = AckField.Beyond },
                4 => Segment(TcpFlags.Rst),
                _ => Segment(TcpFlags.None),
            });
        }
        if (_random.Chance(0.1))
        {
            // Both at once: the SYN, then its acknowledgment.
            _steps.Add(syn with { Ack = AckField.Absent });
            _steps.Add(_random.Chance(0.5) ? syn : Segment(TcpFlags.None));
            return;
        }
        _steps.Add(syn with { Count = _random.Chance(0.05) ? 100 : 0 });
    }

    private void Middle()
    {
        int kind = _random.Next(0, 99);
        if (kind < 20) Write();
        else if (kind < 30) _steps.Add(new Step(StepKind.Read) { Count = _random.Chance(0.7) ? 100_000 : _random.Next(1, 2000) });
        else if (kind < 33) _steps.Add(new Step(StepKind.Shutdown));
        else if (kind < 35) _steps.Add(new Step(StepKind.Close));
        else if (kind < 36) _steps.Add(new Step(StepKind.Abort));
        else if (kind < 37) _steps.Add(new Step(StepKind.Wait));
        else if (kind < 55) _steps.Add(Segment(TcpFlags.None, ack: AnyAck()));
        else if (kind < 72) _steps.Add(Segment(_random.Chance(0.5) ? TcpFlags.Psh : TcpFlags.None, Size(), ack: AnyAck()));
        else if (kind < 85) _steps.Add(Segment(TcpFlags.None, Size(), offset: _random.Next(-2000, 4000), ack: AnyAck()));
        else if (kind < 89)
            _steps.Add(Segment(TcpFlags.Fin, PerhapsSize(), offset: _random.Chance(0.8) ? 0 : _random.Next(-500, 1500), ack: AnyAck()));
        else Strange();
    }

    private int Size() => _random.Chance(0.3) ? _random.Next(1, 10) : _random.Next(1, 1400);

    private int PerhapsSize() => _random.Chance(0.5) ? 0 : Size();

    private AckField AnyOrNone() => _random.Chance(0.5) ? AckField.Absent : AckField.All;

    private AckField AnyAck() => _random.Next(0, 9) switch
    {
        < 5 => AckField.All,
        < 8 => AckField.Again,
        8 => AckField.Part,
        _ => AckField.Half,
    };

    private void Write() =>
        _steps.Add(new Step(StepKind.Write) { Count = _random.Chance(0.5) ? _random.Next(1, 500) : _random.NextLogarithmic(1, 6000) });

    private void Strange()
    {
        _steps.Add(_random.Next(0, 11) switch
        {
            0 => Segment(TcpFlags.Rst, offset: _random.Next(1, 20_000), ack: AnyOrNone()),
            1 => Segment(TcpFlags.Rst, offset: _random.Chance(0.5) ? 1_000_000 : -3000, ack: AckField.Absent),
            2 => Segment(TcpFlags.Syn, offset: _random.Pick(0, 1, 1000, -1000, 1_000_000), ack: AnyOrNone()),
            3 => Segment(TcpFlags.None, offset: -1),
            4 => Segment(TcpFlags.None, count: 1, offset: -1),
            5 => Segment(TcpFlags.None, Size(), offset: 1_000_000),
            6 => Segment(TcpFlags.None, PerhapsSize(), ack: AckField.Beyond) with { AckDetail = _random.Pick(1, 100, 100_000) },
            7 => Segment(TcpFlags.None, PerhapsSize(), ack: AckField.Old) with { AckDetail = _random.Pick(100, 100_000, 10_000_000) },
            8 => Segment(TcpFlags.None, Size()) with { StampShift = -_random.Pick(1, 100, 100_000) },
            9 => Segment(TcpFlags.Urg, Size()) with { Urgent = _random.Next(0, 500) },
            10 => Segment(TcpFlags.None, Size(), ack: AckField.Absent),
            _ => Segment(TcpFlags.Rst, ack: AnyOrNone()),
        });
    }

    private void End()
    {
        Step read = new(StepKind.Read) { Count = 1_000_000 };
        Step[] ends = [new Step(StepKind.Close), Segment(TcpFlags.Fin), Segment(TcpFlags.None), read];
        for (int i = _random.Next(0, ends.Length); i < ends.Length; i++) _steps.Add(ends[i]);
        _steps.Add(Segment(TcpFlags.None));
        // What is left of it shows in how it answers.
        _steps.Add(Segment(TcpFlags.None, 10, offset: -10));
        _steps.Add(Segment(TcpFlags.None, 10));
    }
}
