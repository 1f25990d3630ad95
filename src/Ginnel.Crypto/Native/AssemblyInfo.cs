using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

// Every call here passes plain values, so nothing needs to be marshalled: said so, the compiler of ReadyToRun makes the calls' code ahead of
// time, and the start of a program costs no just-in-time compilation for each of them.
[assembly: DisableRuntimeMarshalling]

// Libraries of the system, never one that lies beside the program.
[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
