namespace Ginnel.Tests;

internal sealed class FrozenTime : TimeProvider;
