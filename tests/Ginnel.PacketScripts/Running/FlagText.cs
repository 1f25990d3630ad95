using Ginnel.Wire;

namespace Ginnel.PacketScripts.Running;

/// <summary>TCP's control bits as a script writes them.</summary>
/// <param name="Flags">The eight bits of octet 13.</param>
/// <param name="AccurateEcn">The AE bit (RFC 9768), the lowest of octet 12.</param>
/// <param name="Counts">Whether the three ECN bits were written as a counter: <c>.5</c>.</param>
internal readonly record struct FlagText(TcpFlags Flags, bool AccurateEcn, bool Counts)
{
    internal static FlagText Parse(string text)
    {
        TcpFlags flags = TcpFlags.None;
        bool accurate = false;
        bool counts = false;
        foreach (char letter in text)
        {
            if (letter == 'A') accurate = true;
            if (char.IsAsciiDigit(letter))
            {
                int counter = letter - '0';
                counts = true;
                accurate = (counter & 4) != 0;
                flags |= ((counter & 2) != 0 ? TcpFlags.Cwr : 0) | ((counter & 1) != 0 ? TcpFlags.Ece : 0);
            }
            flags |= letter switch
            {
                'F' => TcpFlags.Fin, 'S' => TcpFlags.Syn, 'R' => TcpFlags.Rst, 'P' => TcpFlags.Psh, '.' => TcpFlags.Ack, 'U' => TcpFlags.Urg,
                'E' => TcpFlags.Ece, 'W' or 'C' => TcpFlags.Cwr, _ => TcpFlags.None,
            };
        }
        return new FlagText(flags, accurate, counts);
    }

    public override string ToString()
    {
        string text = "";
        foreach ((TcpFlags flag, char letter) in Letters)
        {
            if ((Flags & flag) != 0) text += letter;
        }
        if (AccurateEcn) text += 'A';
        if ((Flags & TcpFlags.Ack) != 0) text += '.';
        return text.Length == 0 ? "-" : text;
    }

    private static readonly (TcpFlags, char)[] Letters =
    [
        (TcpFlags.Syn, 'S'), (TcpFlags.Fin, 'F'), (TcpFlags.Rst, 'R'), (TcpFlags.Psh, 'P'), (TcpFlags.Urg, 'U'), (TcpFlags.Ece, 'E'), (TcpFlags.Cwr, 'W'),
    ];
}
