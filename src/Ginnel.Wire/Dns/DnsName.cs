using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Ginnel.Wire;

/// <summary>
/// A domain name: labels of 1–63 octets of any value, at most 255 octets on the wire (RFC 1035 section 2.3.4, RFC 2181 section 11).
/// Compared without regard to ASCII case (RFC 4343). <c>default</c> is the root.
/// </summary>
public readonly struct DnsName : IEquatable<DnsName>
{
    /// <summary>Octets of the longest name on the wire, the root's zero included.</summary>
    public const int MaximumSize = 255;

    /// <summary>Octets of the longest label.</summary>
    public const int MaximumLabel = 63;

    private static readonly byte[] RootWire = [0];
    private readonly byte[]? _wire;

    // The octets must be a well-formed uncompressed name; the array belongs to the name.
    private DnsName(byte[] wire) => _wire = wire;

    /// <summary>The root.</summary>
    public static DnsName Root => default;

    /// <summary>The name on the wire, uncompressed, as it was written.</summary>
    public ReadOnlySpan<byte> Wire => _wire ?? RootWire;

    /// <summary>Whether this is the root.</summary>
    public bool IsRoot => Wire.Length == 1;

    /// <summary>Labels, the root's not counted: 0–127.</summary>
    public int LabelCount
    {
        get
        {
            int count = 0;
            for (ReadOnlySpan<byte> rest = Wire; rest[0] != 0; rest = rest[(rest[0] + 1)..]) count++;
            return count;
        }
    }

    /// <summary>The name without its first label; the root's parent is the root.</summary>
    public DnsName Parent => IsRoot ? this : new DnsName(Wire[(Wire[0] + 1)..].ToArray());

    /// <summary>The first label's octets; empty for the root.</summary>
    public ReadOnlySpan<byte> FirstLabel => Wire.Slice(1 - (IsRoot ? 1 : 0), Wire[0]);

    /// <summary>
    /// Whether this is <paramref name="ancestor"/> or below it; compared label by label, so <c>evilexample.com</c> is not below
    /// <c>example.com</c>.
    /// </summary>
    public bool IsAtOrBelow(DnsName ancestor)
    {
        ReadOnlySpan<byte> rest = Wire, suffix = ancestor.Wire;
        while (rest.Length > suffix.Length) rest = rest[(rest[0] + 1)..];
        return EqualOctets(rest, suffix);
    }

    /// <summary>The name below a parent; false when it would be too long.</summary>
    public bool TryPrepend(ReadOnlySpan<byte> label, out DnsName name)
    {
        name = default;
        if (label.Length is 0 or > MaximumLabel || Wire.Length + 1 + label.Length > MaximumSize) return false;
        name = new DnsName([(byte)label.Length, .. label, .. Wire]);
        return true;
    }

    /// <summary>From octets that have been checked.</summary>
    internal static DnsName FromChecked(ReadOnlySpan<byte> wire) => new(wire.ToArray());

    /// <summary>
    /// Parses the presentation form: labels joined by dots, with or without the root's; <c>\.</c> and <c>\DDD</c> stand for octets.
    /// ASCII only: international names come as their A-labels. Empty labels are refused.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out DnsName name)
    {
        name = default;
        if (text is ".") return true;
        Span<byte> wire = stackalloc byte[MaximumSize + 1];
        int at = 1, labelAt = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '.')
            {
                if (!CloseLabel(wire, labelAt, at)) return false;
                labelAt = at++;
                if (at > MaximumSize) return false;
                continue;
            }
            if (!TryReadOctet(text, ref i, out byte octet) || at >= MaximumSize) return false;
            wire[at++] = octet;
        }
        // A trailing dot has opened the root's label; otherwise the last label is still to be closed.
        if (at - labelAt > 1)
        {
            if (!CloseLabel(wire, labelAt, at)) return false;
            labelAt = at++;
        }
        else if (labelAt == 0) return false;
        if (at > MaximumSize) return false;
        wire[labelAt] = 0;
        name = FromChecked(wire[..at]);
        return true;
    }

    /// <summary>Parses, or throws <see cref="FormatException"/>: for constants and options.</summary>
    public static DnsName Parse(ReadOnlySpan<char> text) =>
        TryParse(text, out DnsName name)
            ? name
            : throw new FormatException($"'{text}' is not a domain name: labels of 1–63 ASCII characters joined by dots, 255 in all.");

    private static bool CloseLabel(Span<byte> wire, int labelAt, int end)
    {
        int length = end - labelAt - 1;
        if (length is 0 or > MaximumLabel) return false;
        wire[labelAt] = (byte)length;
        return true;
    }

    private static bool TryReadOctet(ReadOnlySpan<char> text, ref int at, out byte octet)
    {
        octet = 0;
        char character = text[at];
        if (character > 0x7E || character < 0x21) return false;
        octet = (byte)character;
        if (character != '\\') return true;
        if (++at >= text.Length) return false;
        if (!char.IsAsciiDigit(text[at]))
        {
            octet = (byte)text[at];
            return text[at] is > ' ' and < (char)0x7F;
        }
        if (at + 3 > text.Length) return false;
        ReadOnlySpan<char> digits = text.Slice(at, 3);
        at += 2;
        return byte.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out octet);
    }

    /// <inheritdoc/>
    public bool Equals(DnsName other) => EqualOctets(Wire, other.Wire);

    /// <inheritdoc/>
    public override bool Equals([NotNullWhen(true)] object? obj) => obj is DnsName other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (byte octet in Wire) hash.Add(Lower(octet));
        return hash.ToHashCode();
    }

    /// <summary>The presentation form without the root's dot, <c>.</c> for the root; unprintable octets as <c>\DDD</c>.</summary>
    public override string ToString()
    {
        if (IsRoot) return ".";
        StringBuilder text = new(Wire.Length);
        for (ReadOnlySpan<byte> rest = Wire; rest[0] != 0; rest = rest[(rest[0] + 1)..])
        {
            if (text.Length > 0) text.Append('.');
            foreach (byte octet in rest.Slice(1, rest[0])) AppendOctet(text, octet);
        }
        return text.ToString();
    }

    private static void AppendOctet(StringBuilder text, byte octet)
    {
        if (octet is (byte)'.' or (byte)'\\') text.Append('\\').Append((char)octet);
        else if (octet is > 0x20 and < 0x7F) text.Append((char)octet);
        else text.Append('\\').Append(octet.ToString("D3", CultureInfo.InvariantCulture));
    }

    // Length octets are at most 63, below every letter, so whole names can be compared octet by octet.
    internal static bool EqualOctets(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        if (left.Length != right.Length) return false;
        for (int i = 0; i < left.Length; i++)
            if (Lower(left[i]) != Lower(right[i])) return false;
        return true;
    }

    private static byte Lower(byte octet) => octet is >= (byte)'A' and <= (byte)'Z' ? (byte)(octet | 0x20) : octet;

    /// <summary>Equality without regard to case.</summary>
    public static bool operator ==(DnsName left, DnsName right) => left.Equals(right);

    /// <summary>Inequality without regard to case.</summary>
    public static bool operator !=(DnsName left, DnsName right) => !left.Equals(right);
}
