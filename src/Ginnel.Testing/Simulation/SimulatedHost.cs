using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel.Testing;

/// <summary>A stack in a simulation, with the applications that use it.</summary>
public sealed class SimulatedHost
{
    private readonly SimulatedNetwork _network;
    private readonly Dictionary<SocketId, SimulatedApplication> _owners = [];
    private readonly List<SimulatedApplication> _applications = [];

    internal SimulatedHost(SimulatedNetwork network, string name, StackOptions options)
    {
        _network = network;
        Name = name;
        Options = options;
        Stack = new NetworkStack(options);
    }

    /// <summary>Name for messages.</summary>
    public string Name { get; }

    /// <summary>The options that the stack was made with.</summary>
    public StackOptions Options { get; }

    /// <summary>The stack. Call its verbs from applications, or between the steps of the network.</summary>
    public NetworkStack Stack { get; }

    /// <summary>The virtual time.</summary>
    public Instant Now => _network.Time.Now;

    /// <summary>The addresses that the network gave it.</summary>
    public IReadOnlyList<IpAddress> Addresses => AddressList;

    /// <summary>What runs on it, in the order of <see cref="Run"/>.</summary>
    public IReadOnlyList<SimulatedApplication> Applications => _applications;

    internal List<IpAddress> AddressList { get; } = [];
    internal List<LinkEnd> Ends { get; } = [];
    internal Dictionary<SocketId, SimulatedApplication>.KeyCollection Owned => _owners.Keys;

    /// <summary>The first address of a family.</summary>
    /// <exception cref="InvalidOperationException">It has none.</exception>
    public IpAddress Address(bool v4)
    {
        foreach (IpAddress address in AddressList)
        {
            if (address.IsV4 == v4) return address;
        }
        throw new InvalidOperationException($"{Name} has no address of {(v4 ? "IPv4" : "IPv6")}.");
    }

    /// <summary>Starts an application here.</summary>
    public void Run(SimulatedApplication application)
    {
        ArgumentNullException.ThrowIfNull(application);
        application.Host = this;
        _applications.Add(application);
        application.Start();
    }

    /// <summary>Events of this socket go to this application from now on.</summary>
    public void Own(SocketId id, SimulatedApplication application) => _owners[id] = application;

    /// <summary>Nobody is told of this socket any more.</summary>
    public void Disown(SocketId id) => _owners.Remove(id);

    /// <summary>Hands out the stack's events and the times that have come; true when there were any.</summary>
    internal bool RunApplications(Instant now)
    {
        bool any = false;
        while (Stack.TryTakeEvent(out SocketEvent socketEvent))
        {
            any = true;
            if (_owners.TryGetValue(socketEvent.Id, out SimulatedApplication? owner)) owner.OnEvent(socketEvent);
        }
        for (int i = 0; i < _applications.Count; i++)
        {
            if (_applications[i].NextDeadline > now) continue;
            any = true;
            _applications[i].Wake(now);
        }
        return any;
    }

    internal bool IsDone()
    {
        foreach (SimulatedApplication application in _applications)
        {
            if (!application.IsDone) return false;
        }
        return true;
    }

    internal Instant NextApplicationDeadline()
    {
        Instant next = Instant.Never;
        foreach (SimulatedApplication application in _applications) next = Instant.Min(next, application.NextDeadline);
        return next;
    }
}
