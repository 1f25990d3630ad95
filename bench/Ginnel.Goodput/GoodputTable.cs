using System.Globalization;
using System.Text;
using Ginnel.Wire;

namespace Ginnel.Goodput;

/// <summary>
/// Rows of a quantity that goodput must follow in one direction, and columns of settings. A column that does not follow, by more than the
/// spread of its cells, is named. From the row <c>knee</c> on following is not demanded, but what does not is named all the same.
/// </summary>
sealed class GoodputTable(string title, string corner, bool falls, string[] rows, string[] columns, Func<int, int, Measurement> cell, int knee = int.MaxValue)
{
    readonly Spread[,] _cells = new Spread[rows.Length, columns.Length];

    public void Measure(int seeds, PacketPool pool)
    {
        for (int row = 0; row < rows.Length; row++)
        {
            for (int column = 0; column < columns.Length; column++) _cells[row, column] = cell(row, column).Over(seeds, pool);
            Console.Error.WriteLine($"{title}: {rows[row]}");
        }
    }

    /// <summary>The places where a cell is better or worse than the one before by more than both spreads together, in the wrong direction.</summary>
    public IEnumerable<(bool Demanded, string Text)> Breaches()
    {
        for (int column = 0; column < columns.Length; column++)
        {
            for (int row = 1; row < rows.Length; row++)
            {
                Spread before = _cells[row - 1, column], now = _cells[row, column];
                double change = now.Median / before.Median - 1;
                if ((falls ? change : -change) > before.Relative + now.Relative + 0.01)
                    yield return (row < knee, string.Create(CultureInfo.InvariantCulture, $"{title}, {columns[column]}: {rows[row - 1]} to {rows[row]} changes by {change * 100:+0.0;-0.0} %"));
            }
        }
    }

    public void Write(StringBuilder report)
    {
        report.Append("## ").AppendLine(title).AppendLine();
        report.Append("| ").Append(corner).Append(" | ").AppendJoin(" | ", columns).AppendLine(" |");
        report.Append("|").AppendJoin("", Enumerable.Repeat("---|", columns.Length + 1)).AppendLine();
        for (int row = 0; row < rows.Length; row++)
        {
            report.Append("| ").Append(rows[row]);
            for (int column = 0; column < columns.Length; column++) report.Append(" | ").Append(Text(_cells[row, column]));
            report.AppendLine(" |");
        }
        report.AppendLine();
    }

    static string Text(Spread spread) =>
        string.Create(CultureInfo.InvariantCulture, $"{spread.Median / 1e6:0.00} ±{spread.Relative * 100:0} %");
}
