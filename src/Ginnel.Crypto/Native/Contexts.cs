using System.Runtime.InteropServices;

namespace Ginnel.Crypto.Native;

/// <summary>An EVP_CIPHER_CTX. OpenSSL clears its key when it is freed.</summary>
internal sealed class CipherContext : SafeHandle
{
    private CipherContext(nint handle) : base(0, ownsHandle: true) => SetHandle(OpenSsl.NotNull(handle, "EVP_CIPHER_CTX_new"));

    public override bool IsInvalid => handle == 0;

    public nint Pointer => handle;

    public static CipherContext Create() => new(LibCrypto.EVP_CIPHER_CTX_new());

    protected override bool ReleaseHandle()
    {
        LibCrypto.EVP_CIPHER_CTX_free(handle);
        return true;
    }
}

/// <summary>An EVP_MD_CTX.</summary>
internal sealed class DigestContext : SafeHandle
{
    private DigestContext(nint handle) : base(0, ownsHandle: true) => SetHandle(OpenSsl.NotNull(handle, "EVP_MD_CTX_new"));

    public override bool IsInvalid => handle == 0;

    public nint Pointer => handle;

    public static DigestContext Create() => new(LibCrypto.EVP_MD_CTX_new());

    protected override bool ReleaseHandle()
    {
        LibCrypto.EVP_MD_CTX_free(handle);
        return true;
    }
}

/// <summary>An EVP_MAC_CTX.</summary>
internal sealed class MacContext : SafeHandle
{
    private MacContext(nint handle) : base(0, ownsHandle: true) => SetHandle(OpenSsl.NotNull(handle, "EVP_MAC_CTX_new"));

    public override bool IsInvalid => handle == 0;

    public nint Pointer => handle;

    public static MacContext Create(nint algorithm) => new(LibCrypto.EVP_MAC_CTX_new(algorithm));

    protected override bool ReleaseHandle()
    {
        LibCrypto.EVP_MAC_CTX_free(handle);
        return true;
    }
}

/// <summary>An EVP_PKEY.</summary>
internal sealed class KeyHandle : SafeHandle
{
    public KeyHandle(nint handle) : base(0, ownsHandle: true) => SetHandle(handle);

    public override bool IsInvalid => handle == 0;

    public nint Pointer => handle;

    protected override bool ReleaseHandle()
    {
        LibCrypto.EVP_PKEY_free(handle);
        return true;
    }
}
