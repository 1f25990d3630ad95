namespace Ginnel;

/// <summary>What carries a flow's bytes.</summary>
internal interface IFlowCarrier
{
    /// <summary>Someone asked for the flow's end: lets go of both sides, so that whoever waits there goes on. From any thread, once or more.</summary>
    void End();
}
