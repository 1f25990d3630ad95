namespace Ginnel.Fuzz;

/// <summary>The kept samples: <c>corpus/NAME.hex</c>, one per line in hexadecimal, <c>#</c> begins a comment.</summary>
internal static class Corpus
{
    internal static IReadOnlyList<byte[]> Load(string name)
    {
        string path = Path.Combine(AppContext.BaseDirectory, "corpus", name + ".hex");
        List<byte[]> samples = [];
        foreach (string line in File.ReadLines(path))
        {
            string hex = line.Split('#')[0].Trim();
            if (hex.Length > 0) samples.Add(Convert.FromHexString(hex));
        }
        return samples;
    }
}
