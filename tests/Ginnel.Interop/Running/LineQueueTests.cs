using Ginnel.Sandbox;

namespace Ginnel.Interop.Running;

/// <summary>A reader that stalls loses lines and never holds up who writes them.</summary>
public sealed class LineQueueTests
{
    [Fact]
    public async Task WhoStallsLosesLinesAndIsTold()
    {
        StallingWriter writer = new();
        LineQueue lines = new(writer);
        lines.Add("first");
        await writer.Writing.WaitAsync(TestContext.Current.CancellationToken);
        // None of these waits, though nobody reads.
        for (int i = 0; i < LineQueue.Limit + 10; i++) lines.Add("more");
        writer.GoOn();
        await lines.DisposeAsync();
        string[] written = writer.ToString().TrimEnd().Split(Environment.NewLine);
        Assert.Equal(1 + LineQueue.Limit + 1, written.Length);
        Assert.Equal("first", written[0]);
        Assert.Equal("ginnel: 10 lines were lost here, because nobody read", written[^1]);
    }

    [Fact]
    public async Task ABrokenWriterCostsItsLinesOnly()
    {
        BrokenWriter writer = new();
        LineQueue lines = new(writer, ownsWriter: true);
        lines.Add("one");
        lines.Add("two");
        await lines.DisposeAsync();
        Assert.True(writer.Attempts >= 1);
        Assert.True(writer.IsDisposed);
    }

    private sealed class StallingWriter : StringWriter
    {
        private readonly TaskCompletionSource _writing = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ManualResetEventSlim _goOn = new();

        public Task Writing => _writing.Task;

        public void GoOn() => _goOn.Set();

        public override void WriteLine(string? value)
        {
            _writing.TrySetResult();
            _goOn.Wait();
            base.WriteLine(value);
        }
    }

    private sealed class BrokenWriter : StringWriter
    {
        public int Attempts { get; private set; }

        public bool IsDisposed { get; private set; }

        public override void WriteLine(string? value)
        {
            Attempts++;
            throw new IOException("disk full");
        }

        protected override void Dispose(bool disposing)
        {
            IsDisposed = true;
            base.Dispose(disposing);
        }
    }
}
