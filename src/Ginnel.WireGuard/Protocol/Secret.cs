namespace Ginnel.WireGuard.Protocol;

/// <summary>Memory for what must be wiped: it stays where it is, so that the garbage collector leaves no copies behind when it tidies up.</summary>
internal static class Secret
{
    public static byte[] Allocate(int size) => GC.AllocateArray<byte>(size, pinned: true);
}
