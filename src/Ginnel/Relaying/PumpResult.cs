namespace Ginnel;

/// <summary>How one direction of a relayed connection ended.</summary>
internal enum PumpResult : byte
{
    /// <summary>The source closed and the end was passed on.</summary>
    EndOfStream,
    /// <summary>The side that is read broke.</summary>
    SourceBroke,
    /// <summary>The side that is written broke.</summary>
    SinkBroke,
}
