namespace Ginnel.AspNetCore;

/// <summary>Names for connections in logs: unlike those of other runs of the program, and in order.</summary>
internal static class ConnectionIds
{
    private const int Length = 13, BitsPerDigit = 5;
    private const string Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
    private static long _last = DateTime.UtcNow.Ticks;

    internal static string Next() => string.Create(Length, Interlocked.Increment(ref _last), static (text, value) =>
    {
        for (int i = text.Length - 1; i >= 0; i--, value >>= BitsPerDigit) text[i] = Digits[(int)(value & (Digits.Length - 1))];
    });
}
