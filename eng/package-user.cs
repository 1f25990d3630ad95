// The program that eng/prove-packages builds against the packages: what it mentions must be there, and work.
using Ginnel;
using Ginnel.Wire;

byte[] header = [0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7];
ushort remainder = Checksum.Compute(header);
Console.WriteLine($"{typeof(ILink).Assembly.GetName().Name} from packages: a header with its checksum leaves {remainder}");
return remainder;
