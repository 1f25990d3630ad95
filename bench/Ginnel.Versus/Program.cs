using System.Globalization;
using Ginnel.Versus;
using Ginnel.Versus.Tables;

// usage: dotnet run -c Release --project bench/Ginnel.Versus -- COMMAND …, as root
//   cells SAMPLES ROUNDS SECONDS [CELL…]     goodput of each cell (loss %, round trip ms, late %: 1,20,0), all of them by default; adds to the file
//   shares SAMPLES ROUNDS SECONDS [CASE…]    several flows through one bottleneck; adds to the file
//   report SAMPLES [FILE]                    the tables of what the file holds; status 1 where a target is missed
//   trace CELL ours|kernel SEED SECONDS STEP_MS   a sender's variables as time goes on
// TCP of the Linux kernel and ours over the same emulated path, in real time. Each kernel is in a network namespace of its own.
switch (args)
{
    case ["cells", var file, var rounds, var seconds, .. var names]:
    {
        using Field field = new();
        foreach (Cell cell in names.Length > 0 ? names.Select(Cell.Parse) : Cell.All)
        {
            List<Sample> samples = await field.MeasureAsync(cell, Whole(rounds), TimeSpan.FromSeconds(Whole(seconds)));
            File.AppendAllLines(file, samples.Select(sample => sample.ToString()));
            Console.Error.WriteLine(GoodputTables.Summary(cell, samples));
        }
        return 0;
    }
    case ["shares", var file, var rounds, var seconds, .. var names]:
    {
        using Field field = new();
        foreach (ShareCase one in ShareCase.All.Where(one => names.Length == 0 || names.Contains(one.Name)))
        {
            // The rounds run at once, each through a bottleneck of its own.
            List<Sample>[] all = await Task.WhenAll(Enumerable.Range(1, Whole(rounds)).Select(round =>
                field.ShareAsync(one.Name, ShareCase.Path, one.Owns, round, TimeSpan.FromSeconds(Whole(seconds) / 3.0), TimeSpan.FromSeconds(Whole(seconds)))));
            File.AppendAllLines(file, all.SelectMany(samples => samples).Select(sample => sample.ToString()));
            foreach (List<Sample> samples in all) Console.Error.WriteLine(ShareTable.Summary(samples));
        }
        return 0;
    }
    case ["report", var file, .. var target]:
    {
        (string report, bool isMet) = Report.Of([.. File.ReadLines(file).Select(Sample.Parse)]);
        Console.Write(report);
        if (target is [var path]) File.WriteAllText(path, report);
        return isMet ? 0 : 1;
    }
    case ["trace", var cell, var who, var seed, var seconds, var step]:
    {
        using Field field = new();
        await field.TraceAsync(Cell.Parse(cell), who == "ours", Whole(seed), TimeSpan.FromSeconds(Whole(seconds)), TimeSpan.FromMilliseconds(Whole(step)));
        return 0;
    }
    default:
        Console.Error.WriteLine("cells SAMPLES ROUNDS SECONDS [CELL…] | shares SAMPLES ROUNDS SECONDS [CASE…] | report SAMPLES [FILE] | trace CELL ours|kernel SEED SECONDS STEP_MS");
        return 2;
}

static int Whole(string text) => int.Parse(text, CultureInfo.InvariantCulture);
