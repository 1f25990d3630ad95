using System.Net;
using Ginnel.Testing;

namespace Ginnel.Tests;

/// <summary>Every order in which continuations may run: all on one thread, in virtual time, decided by a seed that a failure names.</summary>
public sealed class InterleavingTests
{
    private const int Flows = 5;
    private const int Length = 200_000;

    [Fact]
    public void Echoes_arrive_whole_whatever_the_order_of_completions()
    {
        // Continuations must run where the scheduler runs them, not in a context of the test runner's.
        SynchronizationContext? context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            for (int seed = 1; seed <= 40; seed++) RunSeed(seed);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    private static void RunSeed(int seed)
    {
        SimulatedTime time = new();
        SeededCompletions completions = new(seed);
        using NetworkRuntime runtime = new(new NetworkRuntimeOptions { Time = time, Completions = completions });
        TestNetwork network = new(runtime: runtime, capacity: 1 + seed % 7);
        StackListener listener = network.Server.Listen(new IPEndPoint(IPAddress.Any, 7));
        Task serving = ServeAsync(listener);
        Task[] flows = [.. Enumerable.Range(0, Flows).Select(flow => EchoAsync(network.Client, seed * 100 + flow))];
        Drive(Task.WhenAll(flows), time, completions, seed);
        Drive(listener.DisposeAsync().AsTask(), time, completions, seed);
        Drive(serving, time, completions, seed);
        Task disposing = network.DisposeAsync().AsTask();
        while (completions.RunOne()) { }
        Assert.True(disposing.IsCompleted || disposing.Wait(TimeSpan.FromSeconds(30)), $"seed {seed}: the hosts do not end");
        Assert.Equal(0, runtime.Pool.Rented);
    }

    private static void Drive(Task task, SimulatedTime time, SeededCompletions completions, int seed)
    {
        for (int step = 0; !task.IsCompleted; step++)
        {
            Assert.True(step < 1_000_000, $"seed {seed}: nothing goes on");
            if (!completions.RunOne()) time.Advance(TimeSpan.FromMilliseconds(10));
        }
        if (task.Exception is { } exception) throw new InvalidOperationException($"seed {seed}", exception);
    }

    private static async Task ServeAsync(StackListener listener)
    {
        List<Task> echoes = [];
        while (await listener.AcceptStreamAsync() is { } stream) echoes.Add(ReturnAsync(stream));
        await Task.WhenAll(echoes);
    }

    private static async Task ReturnAsync(TcpStream stream)
    {
        await using (stream)
        {
            byte[] buffer = new byte[5_000];
            while (await stream.ReadAsync(buffer) is var read and > 0) await stream.WriteAsync(buffer.AsMemory(0, read));
        }
    }

    private static async Task EchoAsync(NetworkHost host, int seed)
    {
        byte[] sent = new byte[Length];
        new Random(seed).NextBytes(sent);
        await using TcpStream stream = await host.ConnectAsync(TestNetwork.ServerEnd(7));
        Task writing = WriteAsync(stream, sent, new Random(seed));
        byte[] received = new byte[Length];
        await stream.ReadExactlyAsync(received);
        Assert.True(sent.AsSpan().SequenceEqual(received));
        Assert.Equal(0, await stream.ReadAsync(received));
        await writing;
    }

    private static async Task WriteAsync(TcpStream stream, byte[] bytes, Random random)
    {
        for (int at = 0; at < bytes.Length;)
        {
            int count = Math.Min(random.Next(1, 20_000), bytes.Length - at);
            await stream.WriteAsync(bytes.AsMemory(at, count));
            at += count;
        }
        await stream.CompleteWritesAsync();
    }
}
