# Work for an interpreter: strings, hashes and sorting, with output that is always the same.
use strict;
use warnings;

my (%count, @lines);
for my $i (1 .. 200_000) {
    my $key = join '-', $i % 977, 'k' x ($i % 37);
    $count{$key} += length $key;
    push @lines, "$key:$i" if $i % 10 == 0;
}
my $text = join "\n", sort @lines;
$text =~ s/(\d+):(\d+)/$2:$1/g;
my $sum = 0;
$sum += $_ for values %count;
print scalar(keys %count), " $sum ", length $text, "\n";
