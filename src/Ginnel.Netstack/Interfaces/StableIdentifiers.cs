using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// Interface identifiers that are the same each time on one network, differ between networks, and tell nothing of the station
/// (RFC 7217 section 5): a keyed hash of prefix, interface name and the number of conflicts so far.
/// </summary>
internal sealed class StableIdentifiers(StackContext context)
{
    private byte[]? _secret;

    /// <summary>The address in a prefix of 64 bits.</summary>
    internal IpAddress Form(IpPrefix prefix, string interfaceName, int conflicts)
    {
        _secret ??= Secret();
        byte[] name = Encoding.UTF8.GetBytes(interfaceName);
        Span<byte> input = name.Length <= 256 ? stackalloc byte[12 + 256] : new byte[12 + name.Length];
        input = input[..(12 + name.Length)];
        BinaryPrimitives.WriteUInt64BigEndian(input, prefix.Address.High);
        name.CopyTo(input[12..]);
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        while (true)
        {
            BinaryPrimitives.WriteInt32BigEndian(input[8..], conflicts);
            HMACSHA256.HashData(_secret, input, hash);
            ulong identifier = BinaryPrimitives.ReadUInt64BigEndian(hash);
            if (!IsReserved(identifier)) return IpAddress.FromV6(prefix.Address.High, identifier);
            // Chances are 2 to the minus 48 that this is ever needed; far from the numbers that conflicts use.
            conflicts += 1 << 16;
        }
    }

    // RFC 5453 and the registry it made: the routers' anycast address, proxies of mobile IP, and reserved anycast addresses.
    private static bool IsReserved(ulong identifier) =>
        identifier == 0 || identifier is >= 0x0200_5EFF_FE00_0000 and <= 0x0200_5EFF_FE00_5213 or >= 0xFDFF_FFFF_FFFF_FF80 and <= 0xFDFF_FFFF_FFFF_FFFF;

    private byte[] Secret()
    {
        if (!context.Options.StableSecret.IsEmpty) return context.Options.StableSecret.ToArray();
        byte[] secret = new byte[32];
        context.Entropy.Fill(secret);
        return secret;
    }
}
