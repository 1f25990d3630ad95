using System.Buffers.Binary;

namespace Ginnel.WireGuard.Protocol;

/// <summary>A public key as a key of a table.</summary>
internal readonly struct KeyBytes(ReadOnlySpan<byte> bytes) : IEquatable<KeyBytes>
{
    private readonly UInt128 _first = BinaryPrimitives.ReadUInt128LittleEndian(bytes);
    private readonly UInt128 _second = BinaryPrimitives.ReadUInt128LittleEndian(bytes[16..]);

    public bool Equals(KeyBytes other) => _first == other._first && _second == other._second;

    public override bool Equals(object? obj) => obj is KeyBytes other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(_first, _second);
}
