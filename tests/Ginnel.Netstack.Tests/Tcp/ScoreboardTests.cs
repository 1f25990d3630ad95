using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

/// <summary>The scoreboard against a model with a state per octet.</summary>
public sealed class ScoreboardTests
{
    private static readonly SequenceNumber Base = new(uint.MaxValue - 500);

    private static RingMemory Memory(long limit = 1 << 20) =>
        new(new StackContext(new StackOptions { Pool = new PacketPool(), Entropy = new SeededEntropy(), MemoryLimit = limit }));

    private static Instant At(int milliseconds) => new(milliseconds * TimeSpan.TicksPerMillisecond);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void It_equals_a_state_per_octet(ulong seed)
    {
        SeededEntropy dice = new(seed);
        Model model = new();
        for (int step = 0; step < 4000; step++)
        {
            model.Step(dice, step);
            model.Check();
        }
        model.Finish();
    }

    [Fact]
    public void A_burst_is_one_record_and_a_sack_splits_it()
    {
        Scoreboard board = default;
        RingMemory memory = Memory();
        for (int i = 0; i < 100; i++) board.Sent(Base + i * 1000, Base + (i + 1) * 1000, At(1), memory);
        Assert.Equal(1, board.Count);
        Delivery delivery = default;
        board.Sack(Base + 5000, Base + 6000, ref delivery, memory);
        Assert.Equal((3, 1000, 1000, 99_000), (board.Count, delivery.Octets, board.Sacked, board.InFlight));
        board.Sack(Base + 6000, Base + 7000, ref delivery, memory);
        Assert.Equal((3, 2000), (board.Count, board.Sacked));
        board.Advance(Base + 100_000, ref delivery, memory);
        Assert.Equal((0, 0, 100_000, 0L), (board.Count, board.Sacked, delivery.Octets, memory.InUse));
    }

    [Fact]
    public void Two_records_need_no_memory()
    {
        Scoreboard board = default;
        RingMemory memory = Memory(limit: 0);
        for (int i = 0; i < 50; i++) board.Sent(Base + i * 10, Base + (i + 1) * 10, At(i), memory);
        Assert.Equal((2, 500, 0L), (board.Count, board.InFlight, memory.InUse));
    }

    [Fact]
    public void C10_sacks_of_crumbs_are_bounded()
    {
        Scoreboard board = default;
        RingMemory memory = Memory();
        board.Sent(Base, Base + 1_000_000, At(0), memory);
        Delivery delivery = default;
        for (int i = 0; i < 100_000; i++) board.Sack(Base + 10 * i + 1, Base + 10 * i + 2, ref delivery, memory);
        Assert.InRange(board.Count, 500, Scoreboard.MaxRecords);
        Assert.Equal(board.Sacked, delivery.Octets);
        Assert.InRange(memory.InUse, 0, Scoreboard.MaxRecords * 16);
        // And yet what is sent again, and new, is noted.
        board.MarkAll();
        Assert.True(board.TryFirstLost(out SackBlock lost));
        board.SentAgain(lost.Left, lost.Right, At(1), memory);
        for (int i = 0; i < 1000; i++) board.Sent(Base + 1_000_000 + i, Base + 1_000_001 + i, At(2 + i), memory);
        board.Advance(Base + 1_001_000, ref delivery, memory);
        Assert.Equal((0, 0L), (board.Count, memory.InUse));
        Assert.Equal(1_001_000, delivery.Octets);
    }

    /// <summary>Octets 0… of a stream, with what is known of each.</summary>
    private sealed class Model
    {
        private const int Size = 60_000;
        private readonly TransmissionState[] _state = new TransmissionState[Size];
        private readonly RingMemory _memory = Memory(64 << 20);
        private Scoreboard _board;
        private int _una;
        private int _nxt;

        public void Step(SeededEntropy dice, int time)
        {
            switch (dice.Next(6))
            {
                case 0 or 1: Send(1 + (int)dice.Next(40), time); break;
                case 2: Sack(_una + (int)dice.Next((uint)(_nxt - _una + 1)), 1 + (int)dice.Next(60)); break;
                case 3: Resend(1 + (int)dice.Next(50), time); break;
                case 4 when dice.Next(5) == 0: Advance((int)dice.Next((uint)Math.Min(100, _nxt - _una + 1))); break;
                case 5 when dice.Next(10) == 0: Lose(); break;
            }
        }

        private void Send(int octets, int time)
        {
            if (_nxt + octets > Size) return;
            _board.Sent(Base + _nxt, Base + _nxt + octets, At(time / 3), _memory);
            _nxt += octets;
        }

        private void Sack(int left, int octets)
        {
            int right = Math.Min(_nxt, left + octets);
            if (left >= right) return;
            int news = _state[left..right].Count(state => state != TransmissionState.Sacked);
            Delivery delivery = default;
            _board.Sack(Base + left, Base + right, ref delivery, _memory);
            Assert.Equal(news, delivery.Octets);
            _state.AsSpan(left, right - left).Fill(TransmissionState.Sacked);
        }

        private void Resend(int octets, int time)
        {
            int expected = Array.IndexOf(_state, TransmissionState.Lost, _una, _nxt - _una);
            Assert.Equal(expected >= 0, _board.TryFirstLost(out SackBlock lost));
            if (expected < 0) return;
            Assert.Equal(expected, lost.Left - Base);
            int end = Math.Min(lost.Right - Base, expected + octets);
            Assert.All(_state[expected..end], state => Assert.Equal(TransmissionState.Lost, state));
            _board.SentAgain(lost.Left, Base + end, At(time / 3), _memory);
            _state.AsSpan(expected, end - expected).Fill(TransmissionState.InFlight);
        }

        private void Advance(int octets)
        {
            int news = _state[_una..(_una + octets)].Count(state => state != TransmissionState.Sacked);
            Delivery delivery = default;
            _una += octets;
            _board.Advance(Base + _una, ref delivery, _memory);
            Assert.Equal(news, delivery.Octets);
        }

        private void Lose()
        {
            _board.MarkAll();
            for (int i = _una; i < _nxt; i++)
            {
                if (_state[i] == TransmissionState.InFlight) _state[i] = TransmissionState.Lost;
            }
        }

        public void Check()
        {
            int CountOf(TransmissionState state) => _state[_una.._nxt].Count(each => each == state);
            Assert.Equal(
                (CountOf(TransmissionState.Sacked), CountOf(TransmissionState.Lost), CountOf(TransmissionState.InFlight)),
                (_board.Sacked, _board.Lost, _board.Count == 0 ? 0 : _board.InFlight));
        }

        public void Finish()
        {
            Delivery delivery = default;
            _board.Advance(Base + _nxt, ref delivery, _memory);
            Assert.Equal((0, 0L), (_board.Count, _memory.InUse));
        }
    }
}
