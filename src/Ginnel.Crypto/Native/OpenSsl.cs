using System.Security.Cryptography;
using System.Text;

namespace Ginnel.Crypto.Native;

/// <summary>OpenSSL's results as exceptions. What fails here is the library or the machine, never a peer's bytes.</summary>
internal static unsafe class OpenSsl
{
    /// <summary>Demands that a call succeeded.</summary>
    public static void Check(int result, string what)
    {
        if (result != 1) throw Failed(what);
    }

    /// <summary>Demands that a call gave something.</summary>
    public static nint NotNull(nint pointer, string what) => pointer != 0 ? pointer : throw Failed(what);

    private static CryptographicException Failed(string what)
    {
        nuint error = LibCrypto.ERR_get_error();
        LibCrypto.ERR_clear_error();
        byte* text = stackalloc byte[256];
        LibCrypto.ERR_error_string_n(error, text, 256);
        int length = new ReadOnlySpan<byte>(text, 256).IndexOf((byte)0);
        return new CryptographicException($"OpenSSL: {what}: {Encoding.ASCII.GetString(text, Math.Max(0, length))}");
    }
}
