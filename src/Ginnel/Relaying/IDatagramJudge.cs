using System.Net;

namespace Ginnel;

/// <summary>Decides on the targets of datagram ports.</summary>
public interface IDatagramJudge
{
    /// <summary>Whether datagrams of this flow may go to the target; kind none allows. Called once for each new target, hence quick.</summary>
    DialFailure Judge(FlowInfo flow, IPEndPoint target);
}
