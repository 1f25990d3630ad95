using Ginnel.Interop;
using Ginnel.Interop.Differential;
using Ginnel.Interop.Running;
using Ginnel.Interop.Sandboxes;
using Ginnel.Interop.WireGuard;
using Ginnel.Sandbox;

if (args is [NamespaceVerb.Word, ..]) return NamespaceVerb.Run(args);
if (args is [SandboxDriver.Word, .. var words]) return await SandboxDriver.RunAsync(words);
if (args is [DifferentialProgram.Word, .. var seeds]) return DifferentialProgram.Run(seeds);
if (args is [PeerServer.Word, var folder]) return await PeerServer.RunAsync(folder);
if (args is [WireGuardEnd.Word, .. var end]) return await WireGuardEnd.RunAsync(end);
if (args.Any(word => word is "--server" or "--internal-msbuild-node"))
{
    return await Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions);
}
return await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);
