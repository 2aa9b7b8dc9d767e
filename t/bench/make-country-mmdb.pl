#!/usr/bin/perl
# make-country-mmdb.pl OUTPUT INPUT...: from the ranges of Debian's tor-geoipdb ("first,last,country"; IPv4 as numbers) one
# MaxMind DB of countries in MaxMind's nested layout.
use strict;
use warnings;
use Socket qw(inet_ntoa);
eval { require MaxMind::DB::Writer::Tree; 1 }
    or die "make-country-mmdb.pl: install the Debian package libmaxmind-db-writer-perl ($@)";

my %TYPES = (country => 'map', iso_code => 'utf8_string');

die "usage: make-country-mmdb.pl OUTPUT INPUT...\n" if @ARGV < 2;
my ($output, @inputs) = @ARGV;
my $tree = MaxMind::DB::Writer::Tree->new(
    database_type => 'GeoLite2-Country', description => { en => 'countries' }, languages => ['en'], ip_version => 6,
    record_size => 24, remove_reserved_networks => 0, map_key_type_callback => sub { $TYPES{ $_[0] } });
my %data;
for my $input (@inputs) {
    open my $in, '<', $input or die "make-country-mmdb.pl: $input: $!\n";
    while (my $line = <$in>) {
        next unless $line =~ /^([0-9a-f:]+),([0-9a-f:]+),([A-Z]{2})$/;
        my ($first, $last, $country) = ($1, $2, $3);
        ($first, $last) = map { inet_ntoa(pack 'N', $_) } $first, $last unless $first =~ /:/;
        $tree->insert_range($first, $last, $data{$country} //= { country => { iso_code => $country } });
    }
}
open my $out, '>:raw', $output or die "make-country-mmdb.pl: $output: $!\n";
$tree->write_tree($out);
close $out or die "make-country-mmdb.pl: $output: $!\n";
