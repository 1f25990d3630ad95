using System.Buffers.Binary;

namespace Ginnel.Fuzz;

/// <summary>
/// Makes hostile inputs out of valid ones: a seed and a corpus give the same inputs for ever. One input is one to four mutations of a
/// sample; now and then it is noise from the start.
/// </summary>
internal sealed class Mutator(int seed, IReadOnlyList<byte[]> corpus, int maximumLength = 4096)
{
    private static readonly byte[] InterestingBytes = [0, 1, 2, 4, 5, 8, 20, 40, 63, 64, 127, 128, 192, 254, 255];
    private static readonly ushort[] InterestingWords = [0, 1, 7, 8, 20, 40, 255, 256, 512, 1280, 1500, 32767, 32768, 49152, 65528, 65535];

    private readonly Random _random = new(seed);
    private readonly byte[] _buffer = new byte[maximumLength];
    private int _length;

    /// <summary>The next input, valid until the next call.</summary>
    internal ReadOnlySpan<byte> Next()
    {
        if (corpus.Count == 0 || _random.Next(200) == 0) Noise();
        else Load(Sample());
        for (int rounds = _random.Next(1, 5); rounds > 0; rounds--) MutateOnce();
        return _buffer.AsSpan(0, _length);
    }

    private byte[] Sample() => corpus[_random.Next(corpus.Count)];

    private void Load(ReadOnlySpan<byte> sample)
    {
        _length = Math.Min(sample.Length, maximumLength);
        sample[.._length].CopyTo(_buffer);
    }

    private void Noise()
    {
        _length = _random.Next(Math.Min(300, maximumLength));
        _random.NextBytes(_buffer.AsSpan(0, _length));
    }

    private void MutateOnce()
    {
        switch (_random.Next(12))
        {
            case 0: case 1: case 2: FlipBit(); break;
            case 3: case 4: SetByte((byte)_random.Next(256)); break;
            case 5: SetByte(InterestingBytes[_random.Next(InterestingBytes.Length)]); break;
            case 6: SetWord(); break;
            case 7: Add(); break;
            case 8: _length = _random.Next(_length + 1); break;
            case 9: Insert(); break;
            case 10: Delete(); break;
            default: Splice(); break;
        }
    }

    // Headers stand in front: half of all changes go into the first 64 bytes.
    private int Position() => _random.Next(2) == 0 ? _random.Next(Math.Min(_length, 64)) : _random.Next(_length);

    private void FlipBit()
    {
        if (_length > 0) _buffer[Position()] ^= (byte)(1 << _random.Next(8));
    }

    private void SetByte(byte value)
    {
        if (_length > 0) _buffer[Position()] = value;
    }

    private void SetWord()
    {
        if (_length < 2) return;
        ushort word = InterestingWords[_random.Next(InterestingWords.Length)];
        BinaryPrimitives.WriteUInt16BigEndian(_buffer.AsSpan(Math.Min(Position(), _length - 2)), word);
    }

    private void Add()
    {
        if (_length > 0) _buffer[Position()] += (byte)_random.Next(-8, 9);
    }

    private void Insert()
    {
        int count = Math.Min(_random.Next(1, 33), maximumLength - _length);
        int at = _random.Next(_length + 1);
        _buffer.AsSpan(at, _length - at).CopyTo(_buffer.AsSpan(at + count));
        if (_random.Next(2) == 0) _buffer.AsSpan(at, count).Fill((byte)_random.Next(256));
        else _random.NextBytes(_buffer.AsSpan(at, count));
        _length += count;
    }

    private void Delete()
    {
        if (_length == 0) return;
        int at = _random.Next(_length), count = Math.Min(_random.Next(1, 17), _length - at);
        _buffer.AsSpan(at + count, _length - at - count).CopyTo(_buffer.AsSpan(at));
        _length -= count;
    }

    private void Splice()
    {
        if (corpus.Count == 0) return;
        byte[] other = Sample();
        int at = _random.Next(_length + 1), from = _random.Next(other.Length + 1);
        int count = Math.Min(other.Length - from, maximumLength - at);
        other.AsSpan(from, count).CopyTo(_buffer.AsSpan(at));
        _length = at + count;
    }
}
