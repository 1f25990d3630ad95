using Ginnel.Wire;

namespace Ginnel.Interop.Differential;

/// <summary>What steps have in common.</summary>
internal static class StepKinds
{
    public static bool IsSyn(this Step step) => step.Flags.HasFlag(TcpFlags.Syn);

    public static bool IsFin(this Step step) => step.Flags.HasFlag(TcpFlags.Fin);

    public static bool IsReset(this Step step) => step.Flags.HasFlag(TcpFlags.Rst);

    /// <summary>Whether it opens the connection.</summary>
    public static bool IsOpening(this Step step) => step.IsSyn() && step.FromStart;

    /// <summary>
    /// Whether it is answered with a challenge, or with an acknowledgment because it lies outside of the window (RFC 5961).
    /// </summary>
    public static bool IsChallenged(this Step step) =>
        step.IsSyn() || step.Ack is AckField.Beyond or AckField.Old || step.Offset != 0 || step.StampShift < 0;
}
