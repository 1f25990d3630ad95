namespace Ginnel.Tests;

/// <summary>The ratchet of the shell: what waits and what flows costs no memory once it is warm.</summary>
[Collection(nameof(IdleHostTests))]
public sealed class AllocationTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(100_000)]
    public async Task Writing_and_reading_what_is_there_allocates_nothing(int length)
    {
        await using TestNetwork network = new();
        (TcpStream client, TcpStream server) = await network.ConnectAsync();
        byte[] buffer = new byte[length];
        byte[] received = new byte[length];
        for (int i = 0; i < 200; i++) Round(client, server, buffer, received);
        AssertAllocatesNothing(() => Round(client, server, buffer, received));
    }

    [Fact]
    public async Task A_read_that_waits_allocates_nothing()
    {
        using NetworkRuntime runtime = new(new NetworkRuntimeOptions { Completions = new InlineCompletions() });
        await using TestNetwork network = new(runtime: runtime);
        (TcpStream client, TcpStream server) = await network.ConnectAsync();
        byte[] buffer = new byte[100];
        using CancellationTokenSource source = new();
        CancellationToken token = source.Token;
        for (int i = 0; i < 200; i++) WaitAndRead(client, server, buffer, token);
        AssertAllocatesNothing(() => WaitAndRead(client, server, buffer, token));
    }

    // What costs something each time costs it in every series; slabs that a collection has trimmed away are rented anew in one of them.
    private static void AssertAllocatesNothing(Action round)
    {
        long least = long.MaxValue;
        for (int series = 0; series < 5 && least > 0; series++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 200; i++) round();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        Assert.Equal(0, least);
    }

    private static void Round(TcpStream client, TcpStream server, byte[] buffer, byte[] received)
    {
        client.Write(buffer.AsSpan());
        int read = 0;
        while (read < buffer.Length) read += server.Read(received.AsSpan(read));
    }

    private static void WaitAndRead(TcpStream client, TcpStream server, byte[] buffer, CancellationToken token)
    {
        ValueTask<int> waiting = server.ReadAsync(buffer, token);
        Assert.False(waiting.IsCompleted);
        ValueTask writing = client.WriteAsync(buffer, token);
        Assert.True(writing.IsCompletedSuccessfully);
        writing.GetAwaiter().GetResult();
        Assert.True(waiting.IsCompleted);
        // Assert.Equal allocates.
        Assert.True(buffer.Length == waiting.GetAwaiter().GetResult());
    }

    /// <summary>Runs continuations at once, which no production scheduler may, so that a test sees their end.</summary>
    private sealed class InlineCompletions : CompletionScheduler
    {
        public override void Schedule(IThreadPoolWorkItem item) => item.Execute();
    }
}
