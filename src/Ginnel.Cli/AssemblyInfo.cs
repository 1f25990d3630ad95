// Namespaces, TUN and pidfds are Linux's.
[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
[assembly: System.Runtime.CompilerServices.InternalsVisibleTo("Ginnel.Interop")]
[assembly: System.Runtime.CompilerServices.InternalsVisibleTo("Ginnel.Tests")]
