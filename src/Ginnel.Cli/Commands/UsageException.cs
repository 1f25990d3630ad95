namespace Ginnel.Cli.Commands;

/// <summary>A word of ours is wrong; the message says which and what would be accepted.</summary>
internal sealed class UsageException(string message) : Exception(message);
