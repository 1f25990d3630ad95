using System.IO.Pipelines;

namespace Ginnel.AspNetCore;

/// <summary>One end of a pair of pipes.</summary>
internal sealed class PipePair(PipeReader input, PipeWriter output) : IDuplexPipe
{
    public PipeReader Input => input;
    public PipeWriter Output => output;
}
