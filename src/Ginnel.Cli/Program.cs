using System.Reflection;

// The version with the commit that the SDK read from the repository's own files, e.g. 0.1.0+0123abc….
if (args is ["--version"])
{
    string? version = typeof(Program).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
    Console.WriteLine($"ginnel {version}");
}

return 0;
