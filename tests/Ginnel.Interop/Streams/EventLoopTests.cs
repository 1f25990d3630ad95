using System.Collections.Concurrent;
using System.Diagnostics;
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

    [Fact]
    public async Task ATimerWakesTheLoopThatSleepsAndFiresOnItsThreadNeverEarly()
    {
        using EventLoop loop = new("test loop", runsContinuations: true);
        ConcurrentQueue<(long Time, string? Thread)> fired = new();
        SemaphoreSlim told = new(0);
        using LoopTimer timer = loop.CreateTimer(() => { fired.Enqueue((Stopwatch.GetTimestamp(), Thread.CurrentThread.Name)); told.Release(); });
        for (int i = 0; i < 20; i++)
        {
            long before = Stopwatch.GetTimestamp();
            // A later time that is replaced by an earlier one: the loop sleeps for the later one already.
            timer.Change(TimeSpan.FromHours(1), Timeout.InfiniteTimeSpan);
            timer.Change(TimeSpan.FromMilliseconds(i % 5), Timeout.InfiniteTimeSpan);
            await told.WaitAsync(Token);
            Assert.True(fired.TryDequeue(out (long Time, string? Thread) one));
            Assert.Equal("test loop", one.Thread);
            Assert.InRange(Stopwatch.GetElapsedTime(before, one.Time).TotalMilliseconds, i % 5, double.MaxValue);
        }
        Assert.Empty(fired);
    }

    [Fact]
    public async Task ATimerSetOnTheLoopFiresAsWell()
    {
        using EventLoop loop = new("test loop", runsContinuations: true);
        int left = 10;
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        LoopTimer? timer = null;
        using LoopTimer made = timer = loop.CreateTimer(() =>
        {
            if (--left == 0) done.SetResult();
            else timer!.Change(TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
        });
        timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        await done.Task.WaitAsync(Token);
        Assert.Equal(0, left);
    }

    [Fact]
    public async Task TimersFireAfterTheLoopsEndToo()
    {
        for (int round = 0; round < 20; round++)
        {
            SemaphoreSlim told = new(0);
            EventLoop loop = new("test loop", runsContinuations: true);
            using LoopTimer early = loop.CreateTimer(() => told.Release());
            early.Change(TimeSpan.FromMilliseconds(2), Timeout.InfiniteTimeSpan);
            loop.Dispose();
            using LoopTimer late = loop.CreateTimer(() => told.Release());
            late.Change(TimeSpan.FromMilliseconds(2), Timeout.InfiniteTimeSpan);
            await told.WaitAsync(Token);
            await told.WaitAsync(Token);
        }
    }

    private sealed class Item(Action action) : IThreadPoolWorkItem
    {
        public void Execute() => action();
    }
}
