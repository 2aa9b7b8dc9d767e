#!/usr/bin/perl
# make-mmdb.pl INPUT OUTDIR: from readable ranges (geo.txt) the GeoIP databases of the tests:
#   city.mmdb  MaxMind's nested City layout      asn.mmdb  MaxMind's ASN layout
#   flat.mmdb  one flat database with country_code, continent_code, latitude, longitude, asn, as_name
#   ipv4.mmdb  flat.mmdb's IPv4 networks in a database for IPv4 alone
#   other.mmdb  of another kind: nothing about places or ASes
use strict;
use warnings;
use utf8;
eval { require MaxMind::DB::Writer::Tree; 1 }
    or die "make-mmdb.pl: install the Debian package libmaxmind-db-writer-perl ($@)";

my %TYPES = (
    country => 'map', continent => 'map', location => 'map',
    iso_code => 'utf8_string', code => 'utf8_string', latitude => 'double', longitude => 'double',
    autonomous_system_number => 'uint32', autonomous_system_organization => 'utf8_string',
    country_code => 'utf8_string', continent_code => 'utf8_string', asn => 'uint32', as_name => 'utf8_string',
    connection_type => 'utf8_string',
);

# A database's name, its type in the metadata, what it says of one range, and 4 for IPv4 alone.
my @DATABASES = (
    [ 'city.mmdb', 'GeoLite2-City', sub {
        my ($range) = @_;
        return {
            section(country => iso_code => $range->{country}), section(continent => code => $range->{region}),
            defined $range->{latitude}
            ? (location => { latitude => $range->{latitude}, longitude => $range->{longitude} }) : (),
        };
    } ],
    [ 'asn.mmdb', 'GeoLite2-ASN', sub {
        my ($range) = @_;
        return known(autonomous_system_number => $range->{asn}, autonomous_system_organization => $range->{as_name});
    } ],
    [ 'flat.mmdb', 'Test-Flat', \&flat ],
    [ 'ipv4.mmdb', 'Test-Flat', \&flat, 4 ],
    [ 'other.mmdb', 'GeoIP2-Connection-Type', sub { return { connection_type => 'Cable/DSL' } } ],
);

sub flat {
    my ($range) = @_;
    return known(country_code => $range->{country}, continent_code => $range->{region}, latitude => $range->{latitude},
        longitude => $range->{longitude}, asn => $range->{asn}, as_name => $range->{as_name});
}

sub section { my ($name, $key, $value) = @_; return defined $value ? ($name => { $key => $value }) : () }
sub known { my %values = @_; return { map { defined $values{$_} ? ($_ => $values{$_}) : () } keys %values } }

sub read_ranges {
    my ($file) = @_;
    open my $in, '<:encoding(UTF-8)', $file or die "make-mmdb.pl: $file: $!\n";
    my @ranges;
    while (my $line = <$in>) {
        $line =~ s/\s*(#.*)?$//s;
        next if $line eq '';
        my @words = map { $_ eq '-' ? undef : $_ } split /\s+/, $line, 7;
        die "make-mmdb.pl: $file:$.: expected network, country, region, latitude, longitude, asn, name\n" if @words != 7;
        my %range;
        @range{qw(network country region latitude longitude asn as_name)} = @words;
        push @ranges, \%range;
    }
    return @ranges;
}

sub write_database {
    my ($path, $ranges, $type, $content, $ip_version) = @_;
    $ip_version //= 6;
    my $tree = MaxMind::DB::Writer::Tree->new(
        database_type => $type, description => { en => 'test networks' }, languages => ['en'],
        ip_version => $ip_version, record_size => 24,
        remove_reserved_networks => 0, map_key_type_callback => sub { $TYPES{ $_[0] } });
    for my $range (@$ranges) {
        next if $ip_version == 4 && $range->{network} =~ /:/;
        my $data = $content->($range);
        $tree->insert_network($range->{network}, $data) if %$data;
    }
    # By rename, so that a reader never sees half a file.
    open my $out, '>:raw', "$path.new" or die "make-mmdb.pl: $path.new: $!\n";
    $tree->write_tree($out);
    close $out or die "make-mmdb.pl: $path.new: $!\n";
    rename "$path.new", $path or die "make-mmdb.pl: $path: $!\n";
}

die "usage: make-mmdb.pl INPUT OUTDIR\n" if @ARGV != 2;
my ($input, $directory) = @ARGV;
my @ranges = read_ranges($input);
write_database("$directory/$_->[0]", \@ranges, @$_[ 1 .. $#$_ ]) for @DATABASES;
