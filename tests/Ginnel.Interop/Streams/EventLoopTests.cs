using System.Collections.Concurrent;
using Ginnel.Linux.Events;

namespace Ginnel.Interop.Streams;

/// <summary>An event loop as a scheduler: everything runs once, on its thread, in order; and nothing is lost with it.</summary>
public sealed class EventLoopTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ItemsRunInOrderOnItsThreadAlsoThoseThatItemsMake()
    {
        using EventLoop loop = new("test loop", runsContinuations: true);
        ConcurrentQueue<(int Number, string? Thread)> ran = new();
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        for (int i = 0; i < 1_000; i++)
        {
            int number = i;
            loop.Schedule(new Item(() =>
            {
                ran.Enqueue((number, Thread.CurrentThread.Name));
                if (number == 999) loop.Schedule(new Item(done.SetResult));
            }));
        }
        await done.Task.WaitAsync(Token);
        Assert.Equal(Enumerable.Range(0, 1_000), ran.Select(one => one.Number));
        Assert.All(ran, one => Assert.Equal("test loop", one.Thread));
    }

    [Fact]
    public async Task ManyThreadsMaySchedule()
    {
        using EventLoop loop = new("test loop", runsContinuations: true);
        int ran = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (int i = 0; i < 10_000; i++) loop.Schedule(new Item(() => Interlocked.Increment(ref ran)));
        }, Token)));
        while (Volatile.Read(ref ran) < 80_000) await Task.Delay(1, Token);
        Assert.Equal(80_000, ran);
    }

    [Fact]
    public async Task WhatIsScheduledAroundItsEndRunsAllTheSame()
    {
        int ran = 0;
        for (int round = 0; round < 50; round++)
        {
            EventLoop loop = new("test loop", runsContinuations: true);
            for (int i = 0; i < 10; i++)
            {
                if (i == round % 10) loop.Dispose();
                loop.Schedule(new Item(() => Interlocked.Increment(ref ran)));
            }
        }
        while (Volatile.Read(ref ran) < 500) await Task.Delay(1, Token);
        Assert.Equal(500, ran);
    }

    private sealed class Item(Action action) : IThreadPoolWorkItem
    {
        public void Execute() => action();
    }
}
