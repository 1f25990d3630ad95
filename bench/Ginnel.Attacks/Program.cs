using System.Globalization;
using Ginnel.Attacks;
using Ginnel.Attacks.Device;

// usage: dotnet run -c Release --project bench/Ginnel.Attacks -- attacks [SECONDS] [FILE] | device [SECONDS] [FILE] | idle [CONNECTIONS] [FILE]
// attacks: what each attack costs the victim in processor time and memory, and what it leaves to an honest client. The network is virtual, the
// processor time is this machine's. device: a SYN flood over a TUN device in a namespace, in real time, as root. idle: managed heap per established connection that nobody uses, and that was used once.
switch (args.Length > 0 ? args[0] : "attacks")
{
    case "idle":
        return Report(IdleConnections.Measure(args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 10_000));
    case "attacks":
        return Report(AttackTable.Measure(args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 10));
    case "device":
        return Report(await DeviceTable.MeasureAsync(args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 10));
    default:
        Console.Error.WriteLine("attacks [SECONDS] [FILE] | device [SECONDS] [FILE] | idle [CONNECTIONS] [FILE]");
        return 2;
}

int Report(string table)
{
    Console.WriteLine(table);
    if (args.Length > 2) File.WriteAllText(args[2], table);
    return 0;
}
